package load

import (
	"bytes"
	"time"
)

// message books one message of an open connection. It does not allocate.
func (l *loop) message(s *client, payload []byte, now int64) {
	t := l.tally(s)
	t.Messages++
	t.Bytes += int64(len(payload))
	m := l.stamps.read(payload)
	replayed := m.timed && m.due < s.mark
	switch {
	case !m.timed:
		t.Untimed++
	case replayed:
		t.Replayed++
	default:
		now = l.bookLatency(t, l.target(s).Transport, m.due, now)
	}
	if !m.tracked {
		t.Untracked++
		return
	}
	if t := (Tick{Seq: m.seq, Intended: m.due, First: now}); t.Newer(l.newest) {
		l.newest = t
	}
	if first := s.span == 0; !replayed && (m.timed || !first) { // what greets a newcomer is no delivery of a tick
		l.ticks.record(m.seq, m.due, now, l.readable.age)
	}
	if l.beganAnew(s, m.seq, m.due) {
		s.forget()
	}
	l.judge(s, t, m.seq)
}

// bookLatency books the latency of a message that was due and returns when it came.
func (l *loop) bookLatency(t *Tally, transport Transport, due, now int64) int64 {
	if due > now { // the clock is read once for several events
		now = time.Now().UnixNano()
	}
	if due > now {
		t.Skewed++
	}
	l.latency[l.holding][transport].record(time.Duration(now-due), 1)
	return now
}

// judge books what a sequence number says about the client's stream.
func (l *loop) judge(s *client, t *Tally, seq uint64) {
	what, missing := s.observe(seq)
	switch what {
	case arrivedNext:
		if missing > 0 {
			l.bookGap(s, t, int64(missing))
		}
	case arrivedLate:
		t.Reordered++
		l.bookGap(s, t, -1)
	case arrivedEarly:
		t.Reordered++
	case arrivedAgain:
		t.Duplicates++
	}
	s.flags &^= flagBack
}

// bookGap counts n messages that did not come, or takes back one that did.
func (l *loop) bookGap(s *client, t *Tally, n int64) {
	switch {
	case l.cfg.Policy == All:
		t.Lost += n
	case s.flags&flagBack != 0: // only a client that resumed still has a view here
		t.Missed += n
	default:
		t.Conflated += n
	}
}

// The kinds of text frames of the subprotocol tickgate.v1 (protocol.md), told by how they begin.
var (
	envelopeMessage = []byte(`{"t":"msg"`)
	envelopeGap     = []byte(`{"t":"gap"`)
)

// enveloped handles a message of the subprotocol tickgate.v1: only some are deliveries.
func (l *loop) enveloped(s *client, payload []byte, now int64) {
	switch {
	case bytes.HasPrefix(payload, envelopeMessage):
		l.message(s, payload, now)
	case bytes.HasPrefix(payload, envelopeGap):
		l.gap(s)
	}
}

// gap takes the server's word that messages are missing: they are not lost silently, and the view begins anew.
func (l *loop) gap(s *client) {
	l.tally(s).Gaps++
	s.forget()
}

// remember keeps the id a client can resume with.
func (l *loop) remember(s *client, id []byte) { s.lastID = l.ids.put(id, s.lastID) }
