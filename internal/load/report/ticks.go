package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tickgate/internal/load"
)

// TickBook gathers ticks from Stats read one after the other. The zero value is ready. Not safe for concurrent use.
type TickBook struct {
	live   map[tickKey]load.Tick
	rows   []TickRow
	spread *hdrhistogram.Histogram
	first  *hdrhistogram.Histogram
	count  int
	total  int64
	fewest int64
	newest load.Tick // once it is closed
	closed bool
}

// tickKey is a message's topic and number.
type tickKey struct {
	topic uint32
	seq   uint64
}

const (
	// settled is when a tick gets no more deliveries: longer than load.TickWindow, in which they are reported.
	settled = load.TickWindow + 5*time.Second
	// maxRows bounds the ticks that are listed one by one, and maxJudged those whose slow ones are blamed on somebody: an hour
	// of a tick a second, as long as the gateway's records are kept (blame.Book).
	maxRows, maxJudged = 1000, 4096
)

// Update takes the ticks of newer Stats. Only those first delivered after since count.
func (b *TickBook) Update(ticks []load.Tick, since, now time.Time) {
	if b.live == nil {
		b.live = make(map[tickKey]load.Tick)
		b.spread, b.first = load.Histogram(), load.Histogram()
	}
	for _, t := range ticks {
		if b.closed && t.Newer(b.newest) {
			continue
		}
		if t.First >= since.UnixNano() {
			b.take(t)
		}
	}
	b.fold(now.Add(-settled).UnixNano())
}

// take adds a view of a tick.
func (b *TickBook) take(t load.Tick) {
	key := tickKey{t.Topic, t.Seq}
	known, exists := b.live[key]
	switch {
	case exists && !t.Same(known): // a feed that began anew uses the number again
		if t.Newer(known) {
			b.book(known)
			b.live[key] = t
		}
	case t.Count >= known.Count: // of two views of a tick the one with more deliveries is the newer
		b.live[key] = t
	}
}

// Close leaves ticks after newest out: everybody is waited for only up to that one.
func (b *TickBook) Close(newest load.Tick) {
	b.newest, b.closed = newest, true
	maps.DeleteFunc(b.live, func(_ tickKey, t load.Tick) bool { return t.Newer(newest) })
}

// Count returns how many ticks have come so far.
func (b *TickBook) Count() int { return b.count + len(b.live) }

// fold takes ticks whose last delivery was before a moment, in Unix nanoseconds, out of the live ones.
func (b *TickBook) fold(before int64) {
	var done []load.Tick
	for key, t := range b.live {
		if t.Last < before {
			done = append(done, t)
			delete(b.live, key)
		}
	}
	slices.SortFunc(done, func(x, y load.Tick) int { return cmp.Compare(x.First, y.First) })
	for _, t := range done {
		b.book(t)
	}
	b.rows = b.rows[max(0, len(b.rows)-maxJudged):]
}

func (b *TickBook) book(t load.Tick) {
	row := TickRow{
		Topic: t.Topic, Seq: t.Seq, at: cmp.Or(t.Intended, t.First), Spread: float64(t.Last-t.First) / 1e6, Count: t.Count,
		intended: t.Intended, last: t.Last, lag: t.Lag,
	}
	_ = b.spread.RecordValue(max((t.Last-t.First)/1000, 0)) // an hour is the longest it can hold
	if t.Intended > 0 {
		row.First = float64(t.First-t.Intended) / 1e6
		_ = b.first.RecordValue(max((t.First-t.Intended)/1000, 0))
	}
	if b.count == 0 || t.Count < b.fewest {
		b.fewest = t.Count
	}
	b.count++
	b.total += t.Count
	b.rows = append(b.rows, row)
}

// summary ends the book. The rows are up to maxJudged.
func (b *TickBook) summary() (Ticks, []TickRow) {
	if b.live == nil {
		return Ticks{}, nil
	}
	b.fold(math.MaxInt64)
	t := Ticks{Count: b.count, Spread: describe(b.spread), First: describe(b.first), Fewest: b.fewest}
	if b.count > 0 {
		t.Deliveries = b.total / int64(b.count)
	}
	return t, b.rows
}
