package epoll

import "time"

// KickAfter makes OnWork be called once d is over, up to a Tick later, in place of the moment given before. It may be called
// earlier for other reasons.
func (l *Loop[S]) KickAfter(d time.Duration) {
	due := time.Since(l.start) + max(d, 0)
	l.alarm = max(uint32((due+Tick-1)/Tick), l.wheel.now+1)
	l.wakeAt(l.alarm)
}

// alarmed reports whether the moment has come that KickAfter was given, once.
func (l *Loop[S]) alarmed() bool {
	if l.alarm == 0 || int32(l.alarm-l.wheel.now) > 0 {
		return false
	}
	l.alarm = 0
	return true
}
