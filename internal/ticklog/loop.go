package ticklog

import (
	"time"

	"golang.org/x/sys/unix"
)

// Loop takes the notes of one event loop. Began and Ended are for that loop's goroutine, which must be locked to its thread.
type Loop struct {
	log   *Log
	index int
	spent func() Spent // immutable
}

// Loop adds an event loop. spent returns what it has spent so far; it is called on other goroutines too. All loops are
// added before the first message.
func (l *Log) Loop(spent func() Spent) *Loop {
	l.mu.Lock()
	defer l.mu.Unlock()
	loop := &Loop{log: l, index: len(l.loops), spent: spent}
	l.loops = append(l.loops, loop)
	return loop
}

// Began implements hub.Watcher: a pass takes up message seq. delivered and blocked are the loop's counters so far.
func (l *Loop) Began(seq, delivered, blocked uint64) {
	now, spent, cpu := time.Now().UnixNano(), l.spent(), threadCPU()
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	p := l.pass(seq)
	if p == nil || p.Began != 0 {
		return
	}
	p.Loop, p.Began, p.Wait = l.index, now, spent.since(p.told)
	p.start, p.sends, p.blocked, p.threadCPU = spent, delivered, blocked, cpu
}

// Ended implements hub.Watcher: the pass has offered message seq to everybody, or a newer message has overtaken it.
func (l *Loop) Ended(seq, delivered, blocked uint64, overtaken bool) {
	now, spent, cpu := time.Now().UnixNano(), l.spent(), threadCPU()
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	p := l.pass(seq)
	if p == nil || p.Began == 0 || p.Ended != 0 {
		return
	}
	p.Ended, p.Overtaken, p.Busy = now, overtaken, spent.since(p.start)
	p.Sends, p.Blocked, p.CPU = delivered-p.sends, blocked-p.blocked, int64(cpu-p.threadCPU)
	m := &l.log.ring[seq%Size].Message
	due := m.due()
	l.log.latencies.spread(p.Began-due, now-due, p.Sends)
	l.log.judge(m, now)
}

// pass returns the loop's notes of a message that is still remembered, else nil. The caller holds the log's mutex.
func (l *Loop) pass(seq uint64) *pass {
	e := &l.log.ring[seq%Size]
	if e.Seq != seq || l.index >= len(e.passes) {
		return nil
	}
	return &e.passes[l.index]
}

// threadCPU returns the processor time of the calling thread in nanoseconds.
func threadCPU() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano())
}
