package load

import "bytes"

// idRing remembers the ids of the newest messages, so that a client can resume with its last one although it stores
// only a number for it. All clients of a topic get the same ids, which is what makes this cheap. An id's reference comes
// from the number it ends with, and so does its place: consecutive messages are side by side, whatever the order in which
// clients get them. Event loop only.
type idRing struct {
	slots []idSlot
	last  uint32 // the reference put has returned last
}

const (
	// idSlots bounds how far back a client can resume: 4,096 messages, 352 KiB a loop, and more for several topics. With
	// ids of their own for every connection the ring covers about the last 4,096 deliveries instead; who was longer
	// silent resumes without.
	idSlots = 4096
	// maxIDSlots bounds the ring for very many topics: 5.5 MiB.
	maxIDSlots = 1 << 16
	// maxID is the longest id kept; UUIDs, ULIDs and tickgate's own are well below.
	maxID = 70
)

type idSlot struct {
	number uint64 // that the id ends with, or made from it
	ref    uint32 // 0 is never given out
	prefix uint8  // bytes before the number
	size   uint8
	bytes  [maxID]byte
}

// newIDRing returns a ring for so many topics. Each may be silent for its interval, in which all the others tick.
func newIDRing(topics int) idRing {
	return idRing{slots: make([]idSlot, ceilPowerOfTwo(min(max(idSlots, 16*topics), maxIDSlots)))}
}

func ceilPowerOfTwo(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// put returns the reference of id. An id too long to keep has reference 0.
func (r *idRing) put(id []byte) uint32 {
	if len(id) == 0 || len(id) > maxID {
		return 0
	}
	if bytes.Equal(r.get(r.last), id) {
		return r.last
	}
	prefix, number := numberOf(id)
	ref := max(uint32(number), 1)
	slot := r.slot(ref)
	slot.number, slot.ref, slot.prefix = number, ref, uint8(prefix)
	slot.size = uint8(copy(slot.bytes[:], id))
	r.last = ref
	return ref
}

// numberOf returns the number that an id ends with, and how many bytes are before it; of an id without one, a hash of it.
func numberOf(id []byte) (prefix int, number uint64) {
	prefix = len(id)
	for prefix > 0 && len(id)-prefix < 19 && isDigit(id[prefix-1]) { // 10^19 fits
		prefix--
	}
	if prefix == len(id) {
		number = 14695981039346656037 // FNV-1a
		for _, c := range id {
			number = (number ^ uint64(c)) * 1099511628211
		}
		return prefix, number
	}
	for _, c := range id[prefix:] {
		number = 10*number + uint64(c-'0')
	}
	return prefix, number
}

func (r *idRing) slot(ref uint32) *idSlot { return &r.slots[int(ref)&(len(r.slots)-1)] }

// get returns the id of a reference, or nil if it has been overwritten. The bytes are valid until the next put.
func (r *idRing) get(ref uint32) []byte {
	slot := r.slot(ref)
	if ref == 0 || slot.ref != ref {
		return nil
	}
	return slot.bytes[:slot.size]
}

// backward reports whether the id of next does not come after that of last, though both count: their numbers follow the
// same text.
func (r *idRing) backward(last, next uint32) bool {
	if next > last { // so has the number, whatever is before it
		return false
	}
	a, b := r.slot(last), r.slot(next)
	if last == 0 || next == 0 || a.ref != last || b.ref != next || int(a.prefix) == int(a.size) {
		return false
	}
	return a.number >= b.number && bytes.Equal(a.bytes[:a.prefix], b.bytes[:b.prefix])
}
