package load

import "bytes"

// idRing remembers the ids of the newest messages, so that a client can resume with its last one although it stores
// only a number for it. All clients of a topic get the same ids, which is what makes this cheap: the id a client sees
// next is nearly always the successor of its last one, or the newest. Event loop only.
type idRing struct {
	slots [idSlots]idSlot
	next  uint32 // the reference the next new id gets; 0 is never given out
}

const (
	// idSlots bounds how far back a client can resume: 4,096 messages, 288 KiB a loop. With ids of their own for
	// every connection the ring covers the last 4,096 deliveries instead; who was longer silent resumes without.
	idSlots = 4096
	// maxID is the longest id kept; UUIDs, ULIDs and tickgate's own are well below.
	maxID = 70
)

type idSlot struct {
	size  uint8
	bytes [maxID]byte
}

// put returns the reference of id for a client whose last one was last. An id too long to keep has reference 0.
func (r *idRing) put(id []byte, last uint32) uint32 {
	if len(id) == 0 || len(id) > maxID {
		return 0
	}
	if r.next == 0 {
		r.next = 1
	}
	if r.holds(last+1, id) {
		return last + 1
	}
	if r.holds(last, id) { // a client that comes back brings the id that it left with
		return last
	}
	if r.holds(r.next-1, id) {
		return r.next - 1
	}
	slot := &r.slots[r.next%idSlots]
	slot.size = uint8(copy(slot.bytes[:], id))
	r.next++
	return r.next - 1
}

// get returns the id of a reference, or nil if it has been overwritten. The bytes are valid until the next put.
func (r *idRing) get(ref uint32) []byte {
	if ref == 0 || ref >= r.next || r.next-ref > idSlots {
		return nil
	}
	slot := &r.slots[ref%idSlots]
	return slot.bytes[:slot.size]
}

func (r *idRing) holds(ref uint32, id []byte) bool { return bytes.Equal(r.get(ref), id) }
