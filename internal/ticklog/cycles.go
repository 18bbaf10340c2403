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
}

// cycles are the newest collections. Not safe for concurrent use.
type cycles struct {
	ring   [cycleSlots]Collection
	count  uint64 // written so far
	assist float64
	stats  debug.GCStats
	sample []metrics.Sample
}

// cycleSlots is half of what the runtime remembers (256): some seconds of a process that does little but collect.
const cycleSlots = 128

// assistMetric is updated by the runtime at the end of each cycle.
const assistMetric = "/cpu/classes/gc/mark/assist:cpu-seconds"

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

// read adds the cycles that have ended since the last read.
func (c *cycles) read() {
	if c.sample == nil {
		c.sample = []metrics.Sample{{Name: assistMetric}}
	}
	last := c.ring[(c.count+cycleSlots-1)%cycleSlots].Ended
	debug.ReadGCStats(&c.stats)
	metrics.Read(c.sample)
	total := c.assist
	if v := c.sample[0].Value; v.Kind() == metrics.KindFloat64 {
		total = v.Float64()
	}
	assist := int64((total - c.assist) * float64(time.Second))
	c.assist = total
	for i := min(len(c.stats.PauseEnd), cycleSlots) - 1; i >= 0; i-- { // the newest comes first
		if ended := c.stats.PauseEnd[i].UnixNano(); ended > last {
			// Of several cycles in one read the first takes all assists: they are closer together than a reader can tell.
			c.ring[c.count%cycleSlots] = Collection{Ended: ended, Pause: int64(c.stats.Pause[i]), Assist: assist}
			c.count++
			assist = 0
		}
	}
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
