package load

import (
	"bytes"
	"fmt"
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
		if s.flags&flagReturner != 0 {
			l.catchUp(s, now)
		}
	default:
		now = l.bookLatency(s, t, m.due, now)
	}
	if !m.tracked || !m.placed {
		t.Untracked++
		return
	}
	k, has := l.topics.place(int(s.index), int(m.topic))
	if !has {
		t.Strays++
		return
	}
	l.follow(s, t, &sighting{m, k, now, replayed})
}

// sighting is a message that a client has got in one of its topics, the k-th.
type sighting struct {
	stamp
	k        int
	now      int64
	replayed bool
}

// follow books what the number of a message says.
func (l *loop) follow(s *client, t *Tally, m *sighting) {
	if head := &l.heads[m.topic]; m.seq != head.Seq || m.due != head.Intended { // nearly all have the newest
		l.lead(Tick{Topic: m.topic, Seq: m.seq, Intended: m.due, First: m.now})
	}
	v := l.views.of(s, m.k)
	if first := v.span == 0; !m.replayed && (m.timed || !first) { // what greets a newcomer is no delivery of a tick
		l.ticks.record(m, l.readable.age)
	}
	if l.beganAnew(&v, &m.stamp) {
		v = view{}
	}
	l.judge(s, t, &v, m.seq)
	l.views.keep(s, m.k, v)
}

// lead keeps a message if it is the newest of its topic, and of all.
func (l *loop) lead(t Tick) {
	if !t.Newer(l.heads[t.Topic]) {
		return
	}
	l.heads[t.Topic] = t
	if len(l.heads) == 1 || t.Newer(l.newest) {
		l.newest = t
	}
}

// bookLatency books the latency of a message that was due and returns when it came.
func (l *loop) bookLatency(s *client, t *Tally, due, now int64) int64 {
	if due > now { // the clock is read once for several events
		now = time.Now().UnixNano()
	}
	if due > now {
		t.Skewed++
	}
	l.latency[l.holding][l.target(s).Transport].record(time.Duration(now-due), 1)
	if l.absence.stayed != nil && l.holding == holding && s.flags&(flagLeaver|flagReturner) == 0 {
		l.absence.stayed.record(time.Duration(now-due), 1)
	}
	return now
}

// judge books what a sequence number says about the client's view of a topic.
func (l *loop) judge(s *client, t *Tally, v *view, seq uint64) {
	what, missing := v.observe(seq)
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
	envelopeOK      = []byte(`{"t":"ok"`)
	envelopeError   = []byte(`{"t":"error"`)
)

// maxExample bounds what is shown of an answer in bytes; an error's message is a sentence.
const maxExample = 256

// enveloped handles a message of the subprotocol tickgate.v1: only some are deliveries.
func (l *loop) enveloped(s *client, payload []byte, now int64) {
	switch {
	case bytes.HasPrefix(payload, envelopeMessage):
		l.identify(s, payload)
		l.message(s, payload, now)
	case bytes.HasPrefix(payload, envelopeGap):
		l.gap(s, payload)
	case bytes.HasPrefix(payload, envelopeOK):
		if id := l.id.text(payload); id != nil && s.lastID == 0 {
			s.lastID = l.ids.put(id) // to resume from, should no message come
		}
	case bytes.HasPrefix(payload, envelopeError):
		l.faults.count(Denied, func() string {
			return fmt.Sprintf("%s: answered a command with %s", l.target(s).URL, printable(payload[:min(len(payload), maxExample)]))
		})
	}
}

// identify remembers a WebSocket message's id.
func (l *loop) identify(s *client, payload []byte) {
	if id := l.id.text(payload); id != nil {
		l.remember(s, id)
	}
}

// gap takes the server's word that messages are missing: they are not lost silently, and the view begins anew. payload
// says of which topic; a gap without one may be in any.
func (l *loop) gap(s *client, payload []byte) {
	l.tally(s).Gaps++
	if l.topics != nil {
		if topic, ok := l.topics.find(gapTopic.text(payload)); ok {
			if k, has := l.topics.place(int(s.index), int(topic)); has {
				l.views.keep(s, k, view{})
			}
			return
		}
	}
	l.views.forget(s)
}

// gapTopic is the member of a gap that names the topic (protocol.md).
var gapTopic = newField("topic")

// remember keeps the id a client can resume with. It must grow with every message, whatever its topic: otherwise a client
// that resumes with it misses some, or gets them again.
func (l *loop) remember(s *client, id []byte) {
	ref := l.ids.put(id)
	if l.ids.backward(s.lastID, ref) {
		l.tally(s).Backward++
	}
	s.lastID = ref
}
