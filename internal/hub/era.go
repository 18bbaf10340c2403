package hub

import (
	"strconv"
	"strings"
)

// era is the life of one stream. The hub counts on over its end: inside, a message's sequence is that of its stream plus
// base, so that cursors of all eras can be compared. It is immutable.
type era struct {
	epoch string // first part of message ids
	base  uint64
}

// Renew begins a new era: the stream is another one, or gives out its sequences again. Nothing of the old one is
// replayed any more once a topic gets a message of the new one, and its subscribers are told of the gap then, as
// [Publication].Gap does. Ids of the old one are unknown from now on, unless the epoch is the same. Like Publish it must
// not be called by two goroutines at a time, nor together with it.
func (h *Hub) Renew(epoch string) {
	h.writing.Lock()
	defer h.writing.Unlock()
	// Beyond what a client could have been ahead of this process.
	base := h.lastSeq.Load() + maxLead + 1
	h.lastSeq.Store(base)
	h.era.Store(&era{epoch: epoch, base: base})
	h.floor.Store(base)
	h.gaps.Add(1)
}

// Epoch returns the stream's epoch.
func (h *Hub) Epoch() string { return h.era.Load().epoch }

// LastID returns the id of the newest message of any topic: whoever resumes from it gets what comes after.
func (h *Hub) LastID() string {
	e := h.era.Load() // first: the sequence is not below its base then
	return string(e.appendID(nil, h.lastSeq.Load()))
}

// Sequence returns the sequence in a message id, `<epoch>-<seq>`, as [Topic.Seek] takes it; ok is false if the id belongs
// to another epoch or is none.
func (h *Hub) Sequence(id string) (seq uint64, ok bool) {
	e := h.era.Load()
	digits, ok := strings.CutPrefix(id, e.epoch+"-")
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 62)
	return e.base + seq, err == nil
}

// appendID appends the id of the message of an inner sequence.
func (e *era) appendID(dst []byte, seq uint64) []byte {
	dst = append(dst, e.epoch...)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, seq-e.base, 10)
}
