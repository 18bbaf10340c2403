package load

import "time"

// Absence is a part of the clients that all leave while holding, stay away together, and come back with the id of the last
// message they got. The others stay; how they fare meanwhile is kept apart (Stats.Stayed).
type Absence struct {
	Clients int           // of Config.Total, evenly spread over the swarm; 0 is nobody
	After   time.Duration // from Engine.Hold until the first one leaves
	For     time.Duration // how long each stays away
	Rate    float64       // how many leave, and so come back, per second of this engine; 0 is all at once
}

// member reports whether client i of total is one of those who leave, and which of them.
func (a *Absence) member(i, total int) (nth int, ok bool) {
	if a.Clients == 0 || total == 0 {
		return 0, false
	}
	nth = i * a.Clients / total
	return nth, nth != (i+1)*a.Clients/total
}

// absence is a loop's part of it. Event loop only.
type absence struct {
	held     time.Time // since when the swarm holds
	left     int       // clients that have left
	at       int       // index into the roster: below it, nobody has been looked at
	complete bool      // all have left

	first    int               // number of the engine's first client that leaves, among all of these
	replayed []time.Duration   // by number: from the handshake of its return to the last message due before that; 0: none
	tallies  [Transports]Tally // of clients that have come back, from their return on
	stayed   *hist             // latencies of the others while holding; nil without an absence
	caughtUp *hist             // replayed, once judged
}

func newAbsence(cfg *Config) absence {
	if cfg.Absence.Clients == 0 {
		return absence{complete: true}
	}
	first, _ := cfg.Absence.member(cfg.First, cfg.Total)
	end, _ := cfg.Absence.member(cfg.First+cfg.Count, cfg.Total)
	return absence{first: first, replayed: make([]time.Duration, end-first), stayed: newCounts(), caughtUp: newCounts()}
}

// depose makes clients leave for their absence, once its time has come, budget of them at most.
func (l *loop) depose(now time.Time, budget int) {
	a, plan := &l.absence, &l.cfg.Absence
	if a.complete || l.holding != holding {
		return
	}
	if a.held.IsZero() {
		a.held, a.at = now, len(l.roster)
	}
	since := now.Sub(a.held) - plan.After
	if since < 0 {
		a.at = len(l.roster)
		return
	}
	if plan.Rate > 0 {
		budget = min(budget, int(plan.Rate*l.share*since.Seconds())+1-a.left)
	}
	for a.at = min(a.at, len(l.roster)); a.at > 0 && budget > 0; a.at-- { // who takes a free place has been looked at
		c := l.roster[a.at-1]
		if c.State().flags&flagLeaver != 0 {
			l.takeLeave(c)
			budget--
		}
	}
	a.complete = a.at == 0
}

// takeLeave makes a client leave for its absence. What it sees afterwards is counted for itself.
func (l *loop) takeLeave(c *conn) {
	s := c.State()
	l.tally(s).Left++
	l.absence.left++
	s.flags = s.flags&^flagLeaver | flagReturner
	l.goodbye(c)
	l.depart(c, l.cfg.Absence.For)
}

// catchUp notes that a client which has come back got a message from before its return.
func (l *loop) catchUp(s *client, now int64) {
	if nth, ok := l.cfg.Absence.member(int(s.index), l.cfg.Total); ok {
		l.absence.replayed[nth-l.absence.first] = time.Duration(max(now-s.mark, 1)) // some come with the answer to the handshake
	}
}

// bookReturns books how long each client that has come back took to get what it had missed.
func (l *loop) bookReturns() {
	for _, took := range l.absence.replayed {
		if took > 0 {
			l.absence.caughtUp.record(took, 1)
		}
	}
}
