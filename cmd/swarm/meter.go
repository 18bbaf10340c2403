package main

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

// meter samples memory while the swarm connects, and a few times while it holds. It takes less than a hundredth of one processor: what a reading has
// cost in processor time decides when the next one comes. Not safe for concurrent use.
type meter struct {
	survey  *survey
	ends    int
	started time.Time
	samples []timed
	counts  []count
	before  []sample.Size // of the server's processes, before the first connection

	reclaimable map[string]bool // the kernel's caches that are

	cheap, dear cadence
	nextPage    time.Time
	pages       chan timed // answers of the page of metrics; nil unless one is awaited
	holds       time.Duration
}

// timed is a sample whose connections are not known yet.
type timed struct {
	at      time.Time
	sockets int
	bytes   map[string]int64
}

// count is how many were connected at a moment.
type count struct {
	at    time.Time
	conns int
}

// cadence says when a reading is due again.
type cadence struct {
	least time.Duration // pause between two readings
	next  time.Time
	slow  int // how often the pauses have been doubled
}

const (
	// share is how many times longer the pause after a reading is than the processor time that it took. A dear reading puts off both kinds.
	share = 120
	// leastPause and leastDearPause are between two readings however cheap they are: the number of connections between two looks is interpolated.
	leastPause     = 40 * time.Millisecond
	leastDearPause = 200 * time.Millisecond
	// pagePause is between two looks at the page of metrics: a server with seven processes takes 5 ms for one.
	pagePause = time.Second
	// maxReadings bounds the samples, each of which has a number for every cache of the kernel. When there are more, the ramp
	// is a slow one: every other sample is dropped, and the pauses are doubled.
	maxReadings = 600
	// firstHold is when the first sample is taken while holding; each pause after it is twice as long.
	firstHold = time.Second
)

// newMeter returns a meter with its first sample, to which belongs what was read before the first connection. ends is how many ends of each connection are
// on this machine.
func newMeter(s *survey, ends int, mark *report.Mark) *meter {
	m := &meter{
		survey: s, ends: ends, started: time.Now(), holds: firstHold, reclaimable: sample.ReadReclaimable(),
		cheap: cadence{least: leastPause}, dear: cadence{least: leastDearPause},
	}
	m.counts = append(m.counts, count{at: m.started})
	t := m.read(true)
	pageBytes(t.bytes, mark.Pages)
	m.samples = append(m.samples, t)
	if m.survey.server != nil {
		m.before = m.survey.server.Sizes()
	}
	return m
}

// counted notes how many were connected.
func (m *meter) counted(at time.Time, conns int) {
	if last := m.counts[len(m.counts)-1]; at.After(last.at) {
		m.counts = append(m.counts, count{at, conns})
	}
}

// look takes what samples are due. It does not wait for the page of metrics.
func (m *meter) look(ctx context.Context) {
	now := time.Now()
	m.collect()
	if m.survey.page != "" && m.pages == nil && !now.Before(m.nextPage) {
		m.nextPage = now.Add(pagePause << m.cheap.slow)
		m.ask(ctx, now)
	}
	switch {
	case !now.Before(m.dear.next):
		m.paced(true)
	case !now.Before(m.cheap.next):
		m.paced(false)
	}
}

// hold takes samples ever less often, since the number of connections no longer changes.
func (m *meter) hold(ctx context.Context, held time.Duration) {
	m.collect()
	if held < m.holds {
		return
	}
	m.holds *= 2
	m.keep(m.read(true))
	if m.survey.page != "" && m.pages == nil {
		m.ask(ctx, time.Now())
	}
}

// paced reads, and puts the next reading off by what this one has cost.
func (m *meter) paced(dear bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	m.keep(m.read(dear))
	spent, now := threadTime()-before, time.Now()
	m.cheap.put(now, spent)
	if dear {
		m.dear.put(now, spent)
	}
}

func (c *cadence) put(now time.Time, spent time.Duration) {
	c.next = now.Add(max(c.least, share*spent) << c.slow)
}

// threadTime is the processor time of this thread.
func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// read takes a sample; dear ones have the server's proportional memory besides.
func (m *meter) read(dear bool) timed {
	t := timed{at: time.Now(), bytes: make(map[string]int64)}
	kernel := sample.ReadSockets()
	t.sockets, t.bytes[cost.Queues], t.bytes[cost.Slab] = kernel.Alloc, kernel.Queues, kernel.Slab
	if caches, err := sample.ReadCaches(); err == nil { // only root may read them; their sum is known to everybody
		t.bytes[cost.Objects] = caches.Objects(m.reclaimable)
		for name, cache := range caches {
			t.bytes[cost.SlabPrefix+name] = cache.Bytes()
		}
	}
	if charge, ok := sample.KernelCharge(os.Getpid()); ok {
		t.bytes[cost.Cgroup] = charge
	}
	t.bytes[cost.Clients] = m.survey.self.Resident()
	if s := m.survey.server; s != nil {
		t.bytes[cost.RSS] = s.Resident()
		if !dear {
			return t
		}
		if pss := s.PSS(); pss > 0 {
			t.bytes[cost.PSS] = pss
		}
	}
	return t
}

// ask reads the page of metrics in the background.
func (m *meter) ask(ctx context.Context, at time.Time) {
	pages := make(chan timed, 1)
	m.pages = pages
	go func() {
		t := timed{at: at, bytes: make(map[string]int64)}
		if page, err := sample.Scrape(ctx, m.survey.page); err == nil { // else this one is missing
			pageBytes(t.bytes, page)
		}
		pages <- t
	}()
}

// collect takes the page of metrics that has come.
func (m *meter) collect() {
	select {
	case t := <-m.pages:
		m.take(t)
	default:
	}
}

func (m *meter) take(t timed) {
	m.pages = nil
	if len(t.bytes) > 0 {
		m.keep(t)
	}
}

// keep adds a sample, and makes room if there are too many.
func (m *meter) keep(t timed) {
	m.samples = append(m.samples, t)
	if len(m.samples) <= maxReadings {
		return
	}
	type kind struct{ dear, page bool }
	seen := make(map[kind]int)
	rest := slices.DeleteFunc(m.samples[1:], func(t timed) bool { // the first one is from before the first connection
		var k kind
		_, k.dear = t.bytes[cost.PSS]
		_, k.page = t.bytes[cost.Live]
		seen[k]++
		return seen[k]%2 == 0
	})
	m.samples = m.samples[:1+len(rest)]
	m.cheap.slow++
	m.dear.slow++
}

// finish waits for the page that is on its way, and returns the lines.
func (m *meter) finish() *cost.Cost {
	if m.pages != nil {
		m.take(<-m.pages) // it has a timeout of its own
	}
	slices.SortStableFunc(m.samples, func(a, b timed) int { return a.at.Compare(b.at) })
	samples := make([]cost.Sample, 0, len(m.samples))
	for _, t := range m.samples {
		samples = append(samples, cost.Sample{At: t.at.Sub(m.started).Seconds(), Conns: m.conns(t.at), Sockets: t.sockets, Bytes: t.bytes})
	}
	c := cost.Compute(samples, m.ends)
	if c == nil {
		return nil
	}
	for i := range c.Lines {
		name, cache := strings.CutPrefix(c.Lines[i].Name, cost.SlabPrefix)
		c.Lines[i].Reclaimable = cache && m.reclaimable[name]
	}
	c.Swarm, c.Processes = len(m.survey.self.PIDs()), m.processes()
	return c
}

// conns returns how many were connected, between two counts in proportion to time.
func (m *meter) conns(at time.Time) int {
	i, found := slices.BinarySearchFunc(m.counts, at, func(c count, at time.Time) int { return c.at.Compare(at) })
	switch {
	case i == len(m.counts):
		return m.counts[i-1].conns
	case found || i == 0:
		return m.counts[i].conns
	}
	a, b := m.counts[i-1], m.counts[i]
	part := float64(at.Sub(a.at)) / float64(b.at.Sub(a.at))
	return a.conns + int(part*float64(b.conns-a.conns))
}

// processes compares what each of the server's processes holds with what it held before.
func (m *meter) processes() (all []cost.Process) {
	if m.survey.server == nil {
		return nil
	}
	for _, now := range m.survey.server.Sizes() {
		p := cost.Process{PID: now.PID, Top: now.Top, After: now.Bytes, Own: now.Own}
		for _, then := range m.before {
			if then.PID == now.PID {
				p.Before = then.Bytes
			}
		}
		all = append(all, p)
	}
	return all
}

// pageBytes adds what a page of Go metrics says, summed over all processes.
func pageBytes(bytes map[string]int64, page sample.Metrics) {
	put := func(name string, from ...string) {
		sum, known := 0.0, len(page) > 0
		for _, metric := range from {
			v, ok := page[metric]
			sum, known = sum+v, known && ok
		}
		if known {
			bytes[name] = int64(sum)
		}
	}
	put(cost.Live, "go_gc_heap_live_bytes")
	put(cost.InUse, "go_memstats_heap_inuse_bytes")
	put(cost.Stacks, "go_memstats_stack_inuse_bytes")
	put(cost.Runtime, "go_memstats_mspan_sys_bytes", "go_memstats_mcache_sys_bytes", "go_memstats_buck_hash_sys_bytes",
		"go_memstats_gc_sys_bytes", "go_memstats_other_sys_bytes")
}
