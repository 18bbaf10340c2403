package main

import (
	"net/netip"
	"strings"
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

	// queue is how to lengthen accept queues, once the kernel has found one full. Whose it was, it does not say.
	queue string
}

const (
	// queueLimit is in the watch's line about a full accept queue, and remedy is what begins the part of it that says what to do.
	queueLimit = "net.core.somaxconn"
	remedy     = "; to raise it: "
	// resent is how long a connect takes at least whose first SYN the kernel has dropped (RFC 6298 §2: 1 s).
	resent = time.Second
)

// newWalls returns walls for clients that reach for d. It calls tell, from look only, with a line for each limit.
func newWalls(d limits.Demand, tell func(line string)) *walls {
	w := &walls{seen: map[load.Failure]int64{}, next: time.Now().Add(wallsEvery), tell: tell}
	if watch, err := limits.NewWatch("/", d, w.say); err == nil { // not to be able to look is no reason not to connect
		w.watch = watch
	}
	return w
}

// say tells of a limit. A full accept queue may be another program's; it is kept until our own clients have felt it.
func (w *walls) say(line string) {
	if what, how, ok := strings.Cut(line, remedy); ok && strings.Contains(what, queueLimit) {
		w.queue = how
		return
	}
	w.put(line)
}

// putOff tells of a full accept queue if connects of our own waited for a second SYN, or in vain.
func (w *walls) putOff(s *load.Stats) {
	if w.queue == "" || s.Faults.ByKind[load.TimedOut] == 0 && load.Histogram(s.Connect).Max() < resent.Microseconds() {
		return
	}
	w.put("handshakes were put off for 1 s and more, because an accept queue was full" + remedy + w.queue)
	w.queue = ""
}

func (w *walls) put(line string) {
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
	w.putOff(s)
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
