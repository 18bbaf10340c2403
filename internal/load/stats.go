package load

import "time"

// Stats is what the clients of a loop, a process or the whole swarm have seen since the start, and how they are now.
// It adds up, and travels between processes (Append).
type Stats struct {
	At time.Time

	ByTransport [Transports]Tally
	Faults      Faults

	// Latency of messages from their intended time, by transport, while the swarm was connecting and while it was
	// holding.
	Ramp, Hold [Transports]Dist `json:"-"`
	Connect    Dist             `json:"-"` // connect(2), that is SYN to established
	Handshake  Dist             `json:"-"` // from the request to the complete answer
	// Lag is for how long each message may have been ready before a loop dealt with it: since the round of events before
	// (epoll.Loop.Waited), but no longer than the kernel says, asked once a millisecond for the age of what is read. It is
	// the swarm's own share of every latency, at most.
	Lag Dist `json:"-"`

	// Returned is the part of ByTransport that belongs to clients that have come back from Config.Absence, from their
	// return on. CaughtUp is how long each of them took from its handshake to the last message that was due before it
	// (known after Engine.Judge), and Stayed is the latency, while holding, of messages of those who were not to leave.
	Returned         Tally
	CaughtUp, Stayed Dist `json:"-"`

	LastOpen time.Time // of the last handshake; zero if there was none

	Ticks  []Tick // those with a delivery in the last TickWindow
	Newest Tick   // the newest message seen, without Last and Count

	// Now.
	Open    [Transports]int
	Slow    int           // of these, clients that do not read
	Dialing int           // connecting or shaking hands
	Away    int           // waiting to come back
	Fresh   int           // not yet dialed for the first time
	GaveUp  int           // will not come back
	Behind  int           // asked for by Engine.Settle: open clients that have not reached the newest message, by topic
	Left    int           // clients that have left for Config.Absence so far
	Busy    time.Duration // processor time of the processes, nearly all of it their loops'
}

// TickWindow is how long after its last delivery a tick is still part of Stats.
const TickWindow = 10 * time.Second

// Add adds what others have seen.
func (s *Stats) Add(o *Stats) {
	if o.At.After(s.At) {
		s.At = o.At
	}
	for t := range Transports {
		s.ByTransport[t].Add(&o.ByTransport[t])
		s.Ramp[t] = s.Ramp[t].Merge(o.Ramp[t])
		s.Hold[t] = s.Hold[t].Merge(o.Hold[t])
		s.Open[t] += o.Open[t]
	}
	s.Faults.Add(&o.Faults)
	s.Connect = s.Connect.Merge(o.Connect)
	s.Handshake = s.Handshake.Merge(o.Handshake)
	s.Lag = s.Lag.Merge(o.Lag)
	s.Returned.Add(&o.Returned)
	s.CaughtUp = s.CaughtUp.Merge(o.CaughtUp)
	s.Stayed = s.Stayed.Merge(o.Stayed)
	s.Left += o.Left
	s.Ticks = mergeTicks(s.Ticks, o.Ticks)
	if o.Newest.Newer(s.Newest) {
		s.Newest = o.Newest
	}
	if o.LastOpen.After(s.LastOpen) {
		s.LastOpen = o.LastOpen
	}
	s.Slow += o.Slow
	s.Dialing += o.Dialing
	s.Away += o.Away
	s.Fresh += o.Fresh
	s.GaveUp += o.GaveUp
	s.Behind += o.Behind
	s.Busy += o.Busy
}

// mergeTicks adds up the views of the same message. Of two with the same number that are not the same, the newer one is
// kept.
func mergeTicks(a, b []Tick) []Tick {
	if len(a) == 0 {
		return b
	}
	type key struct {
		topic uint32
		seq   uint64
	}
	at := make(map[key]int, len(a))
	for i, t := range a {
		at[key{t.Topic, t.Seq}] = i
	}
	for _, t := range b {
		i, known := at[key{t.Topic, t.Seq}]
		switch {
		case !known:
			a = append(a, t)
		case a[i].Same(t):
			a[i] = a[i].Add(t)
		case t.Newer(a[i]):
			a[i] = t
		}
	}
	return a
}

// Sum returns the counts of all transports together.
func (s *Stats) Sum() Tally {
	sum := s.ByTransport[WebSocket]
	sum.Add(&s.ByTransport[SSE])
	return sum
}

// Connected returns how many clients are connected.
func (s *Stats) Connected() int { return s.Open[WebSocket] + s.Open[SSE] }
