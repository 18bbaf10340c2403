package load

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Known says which distributions of a process its reader has already, by how many durations they have counted: a
// distribution with the same total is the same, and need not travel again.
type Known [2*Transports + 5]int64

// dists returns the distributions in the order of Known.
func (s *Stats) dists() [len(Known{})]*Dist {
	return [...]*Dist{
		&s.Ramp[WebSocket], &s.Ramp[SSE], &s.Hold[WebSocket], &s.Hold[SSE], &s.Connect, &s.Handshake, &s.Lag,
		&s.CaughtUp, &s.Stayed,
	}
}

// Known returns the totals of the distributions.
func (s *Stats) Known() (k Known) {
	for i, d := range s.dists() {
		k[i] = d.Total()
	}
	return k
}

// String returns the totals as ParseKnown reads them.
func (k Known) String() string {
	totals := make([]string, len(k))
	for i, n := range k {
		totals[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(totals, ",")
}

// ParseKnown reads what String returns.
func ParseKnown(text string) (k Known, err error) {
	totals := strings.Split(text, ",")
	if len(totals) != len(k) {
		return k, fmt.Errorf("known distributions %q: want %d numbers", text, len(k))
	}
	for i, total := range totals {
		if k[i], err = strconv.ParseInt(total, 10, 64); err != nil {
			return k, fmt.Errorf("known distributions %q: %w", text, err)
		}
	}
	return k, nil
}

// Append appends the statistics as DecodeStats reads them, without the distributions that its reader has: the length of
// the JSON of everything else, that JSON, and each distribution as its number of buckets and the pairs of the distance
// to the next bucket and its count. All numbers are varints; a number of buckets is one too high, and 0 stands for a
// distribution that is known. (A gob describes its types in every message, and reading that took twice as long as
// everything else together.)
func (s *Stats) Append(dst []byte, known Known) ([]byte, error) {
	head, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode counters: %w", err)
	}
	dst = append(binary.AppendUvarint(dst, uint64(len(head))), head...)
	for i, d := range s.dists() {
		if known[i] > 0 && known[i] == d.Total() {
			dst = append(dst, 0)
			continue
		}
		dst = d.append(dst)
	}
	return dst, nil
}

func (d Dist) append(dst []byte) []byte {
	dst = binary.AppendUvarint(slices.Grow(dst, 4*len(d.Index)+binary.MaxVarintLen64), uint64(len(d.Index)+1))
	last := int32(0)
	for i, index := range d.Index {
		dst = binary.AppendUvarint(dst, uint64(index-last))
		dst = binary.AppendUvarint(dst, uint64(d.Count[i]))
		last = index
	}
	return dst
}

// errTruncated says that an encoding ends before its end.
var errTruncated = errors.New("the encoding is cut off or damaged")

// DecodeStats reads what Append has appended; last is what the reader had. The bytes are not kept.
func DecodeStats(b []byte, last *Stats) (*Stats, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, fmt.Errorf("decode counters: %w", errTruncated)
	}
	s := new(Stats)
	if err := json.Unmarshal(b[n:n+int(size)], s); err != nil {
		return nil, fmt.Errorf("decode counters: %w", err)
	}
	b = b[n+int(size):]
	before := last.dists()
	for i, d := range s.dists() {
		var ok bool
		if *d, b, ok = readDist(b, before[i]); !ok {
			return nil, fmt.Errorf("decode counters: distribution %d: %w", i, errTruncated)
		}
	}
	return s, nil
}

// readDist reads a distribution and returns what follows it.
func readDist(b []byte, known *Dist) (d Dist, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)) { // a bucket takes two bytes
		return Dist{}, nil, false
	}
	b = b[n:]
	if size == 0 {
		return *known, b, true
	}
	d = makeDist(int(size - 1))
	index := uint64(0)
	for range size - 1 {
		distance, n := binary.Uvarint(b)
		count, m := binary.Uvarint(b[max(n, 0):])
		if index += distance; n <= 0 || m <= 0 || index > uint64(bucketOf(histHighest)) {
			return Dist{}, nil, false
		}
		b = b[n+m:]
		d.Index, d.Count = append(d.Index, int32(index)), append(d.Count, int64(count))
	}
	return d, b, true
}

// MergeHeads puts the newer messages of other into heads; both have one for each topic.
func MergeHeads(heads, other []Tick) {
	for i := range min(len(heads), len(other)) {
		if other[i].Newer(heads[i]) {
			heads[i] = other[i]
		}
	}
}

// AppendHeads appends the newest message of each topic as DecodeHeads reads them: their number, and of each its sequence
// number, its intended time and that of its first delivery, all as varints.
func AppendHeads(dst []byte, heads []Tick) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(heads)))
	for _, t := range heads {
		dst = binary.AppendUvarint(dst, t.Seq)
		dst = binary.AppendVarint(dst, t.Intended)
		dst = binary.AppendVarint(dst, t.First)
	}
	return dst
}

// DecodeHeads reads what AppendHeads has appended. The bytes are not kept.
func DecodeHeads(b []byte) ([]Tick, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)) { // a head takes three bytes
		return nil, fmt.Errorf("decode newest messages: %w", errTruncated)
	}
	b = b[n:]
	heads := make([]Tick, size)
	for i := range heads {
		seq, n := binary.Uvarint(b)
		intended, m := binary.Varint(b[max(n, 0):])
		first, o := binary.Varint(b[max(n, 0)+max(m, 0):])
		if n <= 0 || m <= 0 || o <= 0 {
			return nil, fmt.Errorf("decode newest messages: topic %d: %w", i, errTruncated)
		}
		b = b[n+m+o:]
		heads[i] = Tick{Topic: uint32(i), Seq: seq, Intended: intended, First: first}
	}
	return heads, nil
}
