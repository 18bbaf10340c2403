package quota

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync/atomic"
)

const (
	// bucketSize is how many addresses share a place in the table: as many keys as fit a cache line.
	bucketSize = 8
	// maxTable bounds the table of a gateway with many processes, in bytes.
	maxTable = 64 << 20
	// headerSize is what the table begins with: parts, slots and two numbers that make the hash another one for every table.
	headerSize = 64
	// slotSize is what a slot takes beside its counters: key, time and owner.
	slotSize = 8 + 8 + 8
	// countSize is what a counter takes.
	countSize = 4
)

// table is the memory that all processes map: slots, each for one address at a time, in buckets of 8. A slot has a counter for each
// process, and only that process changes it.
//
// There is no lock that anybody waits for, so that a process may be killed or stopped between any two instructions:
//
//   - A free slot gets its key by compare-and-swap. Two processes may give two slots of a bucket to the same address at the same moment;
//     that does no harm, since its connections are summed over the whole bucket.
//   - Who counts a connection in adds to its counter first, and then looks whether the slot still has the key and no owner; otherwise
//     it takes the one back and begins again.
//   - Who gives a slot to another address becomes its owner by compare-and-swap, and then looks whether all counters are zero; only then
//     it changes the key. So of two that do both at once, at least one sees the other. An owned slot is left alone by all others;
//     when its owner has died, forget frees it, whatever its key is by then: all its counters are zero.
type table struct {
	parts, slots int
	seed         [2]uint64
	keys         []atomic.Uint64 // 0: never used
	times        []atomic.Uint64 // up to when the connects so far are paid for; see Addresses.Connects
	owners       []atomic.Uint64 // 1 + the process that is changing the key, 0: nobody
	counts       []atomic.Int32  // slot by slot, parts of each
}

// newTable returns memory for the addresses of conns connections of parts processes: at least twice as many slots, so that buckets
// are seldom full, but no more than maxTable bytes.
func newTable(parts, conns int) (*os.File, error) {
	slots := 1024
	for slots < 2*conns && 2*slots*(slotSize+countSize*parts) <= maxTable {
		slots *= 2
	}
	file, err := newMemory(int64(headerSize + slots*(slotSize+countSize*parts)))
	if err != nil {
		return nil, err
	}
	bytes, err := mapMemory(file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	header := cast[uint64](bytes, headerSize/8)
	header[0], header[1] = uint64(parts), uint64(slots)
	header[2], header[3] = rand.Uint64(), rand.Uint64()
	return file, nil
}

// openTable maps a table. It lasts as long as the process.
func openTable(file *os.File) (*table, error) {
	bytes, err := mapMemory(file)
	if err != nil {
		return nil, err
	}
	if len(bytes) < headerSize {
		return nil, fmt.Errorf("map quota of addresses: %d bytes are no table", len(bytes))
	}
	header := cast[uint64](bytes, headerSize/8)
	t := &table{parts: int(header[0]), slots: int(header[1]), seed: [2]uint64{header[2], header[3]}}
	if want := headerSize + t.slots*(slotSize+countSize*t.parts); len(bytes) != want {
		return nil, fmt.Errorf("map quota of addresses: got %d bytes, want %d", len(bytes), want)
	}
	bytes = bytes[headerSize:]
	t.keys = cast[atomic.Uint64](bytes, t.slots)
	t.times = cast[atomic.Uint64](bytes[8*t.slots:], t.slots)
	t.owners = cast[atomic.Uint64](bytes[16*t.slots:], t.slots)
	t.counts = cast[atomic.Int32](bytes[slotSize*t.slots:], t.slots*t.parts)
	return t, nil
}

// keyOf returns what stands for an address: IPv4 as a whole, of IPv6 the first 64 bits, which is what a customer gets at least
// (RFC 6177). IPv4 addresses have the keys of 0:1::/32 and ::/64 that of ::1, which no client from outside has (RFC 4291 §2.4).
func keyOf(a netip.Addr) uint64 {
	a = a.Unmap()
	b := a.As16()
	var key uint64
	if a.Is4() {
		key = 1<<32 | uint64(b[12])<<24 | uint64(b[13])<<16 | uint64(b[14])<<8 | uint64(b[15])
		return key
	}
	for _, c := range b[:8] {
		key = key<<8 | uint64(c)
	}
	return max(key, 1) // 0 is a slot that was never used
}

// bucket returns the first slot of the key's bucket. The hash need not stand up to cryptography: who finds addresses that share a
// bucket can only have those of them not counted that come when it is full.
func (t *table) bucket(key uint64) int {
	high, low := bits.Mul64(key^t.seed[0], 0x9e3779b97f4a7c15^t.seed[1])
	high, low = bits.Mul64(high^low^t.seed[1], 0xd6e8feb86659fd93^t.seed[0])
	return int((high^low)%uint64(t.slots/bucketSize)) * bucketSize
}

// find returns a slot that has the key, -1 if none has.
func (t *table) find(key uint64) int {
	first := t.bucket(key)
	for s := first; s < first+bucketSize; s++ {
		if t.keys[s].Load() == key && t.owners[s].Load() == 0 {
			return s
		}
	}
	return -1
}

// claim gives the key a slot and returns it: a new one, or else the one whose address has been gone for longest. It returns -1 if
// all addresses of the bucket have connections.
func (t *table) claim(key uint64, part int) int {
	first := t.bucket(key)
	oldest := -1
	for s := first; s < first+bucketSize; s++ {
		if t.keys[s].Load() == 0 && t.keys[s].CompareAndSwap(0, key) {
			return s
		}
		if t.owners[s].Load() == 0 && t.idle(s) && (oldest < 0 || t.times[s].Load() < t.times[oldest].Load()) {
			oldest = s
		}
	}
	if oldest >= 0 && t.reuse(oldest, key, part) {
		return oldest
	}
	return -1
}

// reuse gives a slot to another key, if it has no connections and nobody else is doing so.
func (t *table) reuse(s int, key uint64, part int) bool {
	if !t.owners[s].CompareAndSwap(0, uint64(part)+1) {
		return false
	}
	idle := t.idle(s)
	if idle {
		t.times[s].Store(0)
		t.keys[s].Store(key)
	}
	t.owners[s].Store(0)
	return idle
}

func (t *table) idle(s int) bool { return t.held(s) == 0 }

// held returns how many connections a slot has.
func (t *table) held(s int) (n int) {
	for i := s * t.parts; i < (s+1)*t.parts; i++ {
		n += int(t.counts[i].Load())
	}
	return n
}

// total returns how many connections a key has: more than one slot may have it.
func (t *table) total(key uint64) (n int) {
	first := t.bucket(key)
	for s := first; s < first+bucketSize; s++ {
		if t.keys[s].Load() == key {
			n += t.held(s)
		}
	}
	return n
}

// forget takes back what a dead process has left: its connections, and slots that it owned when it died.
func (t *table) forget(part int) {
	for s := range t.slots {
		if t.keys[s].Load() == 0 {
			continue
		}
		t.counts[s*t.parts+part].Store(0)
		t.owners[s].CompareAndSwap(uint64(part)+1, 0)
	}
}
