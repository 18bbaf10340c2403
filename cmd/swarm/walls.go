package main

import (
	"net/netip"
	"time"

	"tickgate/internal/limits"
	"tickgate/internal/load"
)

// wallsEvery is how often the kernel's counters are looked at; a look takes about a millisecond.
const wallsEvery = 2 * time.Second

// walls tells the user which limit of this machine the clients meet, with the command that moves it: each once, when it
// is met. Not safe for concurrent use.
type walls struct {
	watch *limits.Watch // nil where this machine cannot be read
	seen  map[load.Failure]int64
	next  time.Time // of the next look at the kernel's counters
	told  []string
	tell  func(line string)
}

// newWalls returns walls for clients that reach for d. It calls tell, from look only, with a line for each limit.
func newWalls(d limits.Demand, tell func(line string)) *walls {
	w := &walls{seen: map[load.Failure]int64{}, next: time.Now().Add(wallsEvery), tell: tell}
	if watch, err := limits.NewWatch("/", d, w.say); err == nil { // not to be able to look is no reason not to connect
		w.watch = watch
	}
	return w
}

func (w *walls) say(line string) {
	w.told = append(w.told, line)
	w.tell(line)
}

// look compares what the clients have seen with the last look, and every wallsEvery the kernel's counters with theirs.
func (w *walls) look(now time.Time, s *load.Stats) {
	if w.watch == nil {
		return
	}
	for i, n := range s.Faults.ByKind {
		kind := load.Failure(i)
		if errno := kind.Errno(); errno != 0 && n > w.seen[kind] {
			w.watch.Hit(errno)
		}
		w.seen[kind] = n
	}
	if now.Before(w.next) {
		return
	}
	w.next = now.Add(wallsEvery)
	_ = w.watch.Poll() // a process out of descriptors cannot read; Hit has told of that
}

// demand is what the clients of a plan ask of this machine, as they are really spread.
func (p *plan) demand() limits.Demand {
	client := &p.parts[0]
	targets := map[netip.AddrPort]bool{}
	for _, t := range client.Targets {
		targets[t.Addr] = true
	}
	return limits.Demand{
		Conns: p.conns, Processes: len(p.parts), Role: p.role, Sources: max(1, len(client.Sources)), Targets: len(targets),
	}
}
