package load

import "time"

// leastRestart is how much later than a client's newest message one with a lower number must be due to show that the feed
// counts anew. No feed restarts faster, and a server that stamps every copy with the time at which it goes out, and mixes
// up two messages, stays below.
const leastRestart = int64(100 * time.Millisecond)

// beganAnew reports whether a number below the client's newest belongs to a new count: its message was due after that one,
// so the feed has started again, and neither sends twice nor mixes up. due is in Unix nanoseconds, 0 if the message
// does not say; then nobody can know.
func (l *loop) beganAnew(s *client, seq uint64, due int64) bool {
	if s.span == 0 || seq >= s.newest || due == 0 {
		return false
	}
	newest := l.ticks.at(s.newest)
	return newest.Seq == s.newest && newest.Intended != 0 && due-newest.Intended >= leastRestart
}
