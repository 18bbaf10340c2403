package ticklog

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// Collection is one cycle of the garbage collector.
type Collection struct {
	Ended int64 `json:"ended"` // Unix nanoseconds
	// Pause is how long the world was stopped, or stopping, in nanoseconds: at the beginning and at the end of the cycle
	// together.
	Pause int64 `json:"pause"`
	// Assist is the processor time, in nanoseconds, that the program's goroutines were made to help with.
	Assist int64 `json:"assist"`
	// Mark is about how long the cycle was marking, in nanoseconds: the runtime tells the processor time of its mark
	// workers only, and gives them a quarter of the processors.
	Mark int64 `json:"mark"`
}

// cycles are the newest collections. Not safe for concurrent use.
type cycles struct {
	ring   [cycleSlots]Collection
	count  uint64 // written so far
	stats  debug.GCStats
	sample []metrics.Sample
	sums   [len(gcMetrics)]float64 // of sample, at the last read
}

// cycleSlots is half of what the runtime remembers (256): some seconds of a process that does little but collect.
const cycleSlots = 128

// gcMetrics are updated by the runtime at the end of each cycle.
var gcMetrics = [...]string{"/cpu/classes/gc/mark/assist:cpu-seconds", "/cpu/classes/gc/mark/dedicated:cpu-seconds"}

// markShare is the part of the processors that the runtime gives to its mark workers (gcBackgroundUtilization).
const markShare = 0.25

// WatchCollector notes every cycle of the collector until stop is called. It costs two readings of the runtime's
// statistics per cycle.
func (l *Log) WatchCollector() (stop func()) {
	var done atomic.Bool
	type sentinel struct{ _ [16]byte }
	var arm func()
	arm = func() {
		runtime.SetFinalizer(new(sentinel), func(*sentinel) {
			if !done.Load() {
				l.collected()
				arm()
			}
		})
	}
	arm()
	return func() { done.Store(true) }
}

// collected reads what the collector has done since the last time.
func (l *Log) collected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cycles.read()
}

// read adds the cycles that have ended since the last read. Of several, the first takes what they have used together:
// they are closer together than a reader can tell.
func (c *cycles) read() {
	last := c.ring[(c.count+cycleSlots-1)%cycleSlots].Ended
	debug.ReadGCStats(&c.stats)
	used := c.used()
	cycle := Collection{Assist: int64(used[0]), Mark: int64(used[1] / (markShare * float64(runtime.GOMAXPROCS(0))))}
	for i := min(len(c.stats.PauseEnd), cycleSlots) - 1; i >= 0; i-- { // the newest comes first
		if cycle.Ended = c.stats.PauseEnd[i].UnixNano(); cycle.Ended > last {
			cycle.Pause = int64(c.stats.Pause[i])
			c.ring[c.count%cycleSlots] = cycle
			c.count++
			cycle = Collection{}
		}
	}
}

// used returns the nanoseconds that each of gcMetrics has grown by since the last call.
func (c *cycles) used() (grown [len(gcMetrics)]float64) {
	if c.sample == nil {
		for _, name := range gcMetrics {
			c.sample = append(c.sample, metrics.Sample{Name: name})
		}
	}
	metrics.Read(c.sample)
	for i := range c.sample {
		if v := c.sample[i].Value; v.Kind() == metrics.KindFloat64 {
			grown[i] = (v.Float64() - c.sums[i]) * float64(time.Second)
			c.sums[i] = v.Float64()
		}
	}
	return grown
}

// since returns the collections that ended after a moment in Unix nanoseconds, the oldest first.
func (c *cycles) since(moment int64) (list []Collection) {
	for i := c.count - min(c.count, cycleSlots); i < c.count; i++ {
		if cycle := c.ring[i%cycleSlots]; cycle.Ended > moment {
			list = append(list, cycle)
		}
	}
	return list
}
