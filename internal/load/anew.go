package load

import "time"

// leastRestart is how much later than a client's newest message one with a lower number must be due to show that the feed
// counts anew. No feed restarts faster, and a server that stamps every copy with the time at which it goes out, and mixes
// up two messages, stays below.
const leastRestart = int64(100 * time.Millisecond)

// beganAnew reports whether a number below the newest of a client's view belongs to a new count: its message was due
// after that one, so the feed has started again, and neither sends twice nor mixes up. If the message does not say when
// it was due, or that one is not remembered, nobody can know.
func (l *loop) beganAnew(v *view, m *stamp) bool {
	if v.span == 0 || m.seq >= v.newest || m.due == 0 {
		return false
	}
	newest := l.ticks.at(m.topic, v.newest)
	return newest.Topic == m.topic && newest.Seq == v.newest && newest.Intended != 0 && m.due-newest.Intended >= leastRestart
}
