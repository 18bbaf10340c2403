package prefork

import "time"

// Backoff spaces the restarts of one worker: Min after its first death, doubled by each further death up to Max, and
// back to Min after a run of at least Reset.
type Backoff struct {
	Min   time.Duration // default 100 ms: a single crash costs its clients next to nothing
	Max   time.Duration // default 5 s: a worker that cannot live must not eat a core with starting
	Reset time.Duration // default 10 s: alive that long, the next death is a new story
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = 100 * time.Millisecond
	}
	if b.Max <= 0 {
		b.Max = 5 * time.Second
	}
	if b.Reset <= 0 {
		b.Reset = 10 * time.Second
	}
	b.Max = max(b.Max, b.Min)
	return b
}

// next returns the pause after a run that lasted uptime, given the pause before that run (0: its first).
func (b Backoff) next(last, uptime time.Duration) time.Duration {
	if last <= 0 || uptime >= b.Reset {
		return b.Min
	}
	return min(2*last, b.Max)
}
