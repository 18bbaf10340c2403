package blame

import (
	"fmt"
	"slices"
	"time"
)

// Book gathers the gateway's pages over a run. The zero value is ready. Not safe for concurrent use.
type Book struct {
	processes map[string]*ledger
	points    []Point
	failures  map[string]string // by worker: why it did not answer, the first time
}

// ledger is what one process has told so far.
type ledger struct {
	messages    map[uint64]Message
	collections []Collection
	last        Process // without its lists
}

const (
	// maxMessages and maxCollections bound what is kept of one process; older ones give way.
	maxMessages, maxCollections = 4096, 4096
	// maxPoints bounds the timeline: a day of eight processes. A longer run keeps its beginning.
	maxPoints = 8 * 24 * 60 * 60
)

// Add takes a page. Pages may overlap: the newer account of a message is kept.
func (b *Book) Add(page *Page) {
	if b.processes == nil {
		b.processes, b.failures = make(map[string]*ledger), make(map[string]string)
	}
	for i := range page.Processes {
		p := &page.Processes[i]
		if p.Error != "" {
			if _, known := b.failures[p.Worker]; !known {
				b.failures[p.Worker] = p.Error
			}
			continue
		}
		l := b.processes[p.Worker]
		if l == nil {
			l = &ledger{messages: make(map[uint64]Message)}
			b.processes[p.Worker] = l
		}
		b.add(l, p)
	}
}

func (b *Book) add(l *ledger, p *Process) {
	for _, m := range p.Messages {
		l.messages[m.Seq] = m
	}
	if len(l.messages) > maxMessages {
		l.forget()
	}
	fresh := l.fresh(p.Collections)
	l.collections = append(l.collections, fresh...)
	l.collections = l.collections[max(0, len(l.collections)-maxCollections):]
	if point, ok := l.point(p, fresh); ok && len(b.points) < maxPoints {
		b.points = append(b.points, point)
	}
	l.last = *p
	l.last.Messages, l.last.Collections = nil, nil
}

// forget drops the older half of the messages.
func (l *ledger) forget() {
	seqs := make([]uint64, 0, len(l.messages))
	for seq := range l.messages {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for _, seq := range seqs[:len(seqs)/2] {
		delete(l.messages, seq)
	}
}

// fresh returns the collections that are not in the ledger yet.
func (l *ledger) fresh(list []Collection) []Collection {
	var last int64
	if n := len(l.collections); n > 0 {
		last = l.collections[n-1].Ended
	}
	return slices.DeleteFunc(slices.Clone(list), func(c Collection) bool { return c.Ended <= last })
}

// point compares a page with the one before. A process that has begun anew has less time spent than before.
func (l *ledger) point(p *Process, fresh []Collection) (Point, bool) {
	length := p.Now - l.last.Now
	if l.last.Now == 0 || length <= 0 {
		return Point{}, false
	}
	point := Point{At: time.Unix(0, p.Now).UTC(), Worker: p.Worker, Collections: len(fresh)}
	for _, c := range fresh {
		point.Pause += float64(c.Pause) / 1e6
		point.Assist += float64(c.Assist) / 1e6
	}
	if n := len(p.Loops); n > 0 && n == len(l.last.Loops) {
		all := float64(length) * float64(n)
		for i, s := range p.Loops {
			before := l.last.Loops[i]
			point.AcceptBusy += float64(s.Accepts+s.Reads-before.Accepts-before.Reads) / all
			point.LoopBusy += float64(s.sum()-before.sum()) / all
		}
		if point.LoopBusy < 0 {
			return Point{}, false
		}
	}
	return point, true
}

func (s Spent) sum() int64 { return s.Accepts + s.Reads + s.Timers + s.Work }

// notes say what is missing in the book.
func (b *Book) notes() (notes []string) {
	for worker, why := range b.failures {
		notes = append(notes, fmt.Sprintf("worker %s did not always tell its part: %s", worker, why))
	}
	slices.Sort(notes)
	return notes
}
