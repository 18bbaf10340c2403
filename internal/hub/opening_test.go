package hub

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"tickgate/internal/topic"
)

// Views that are made while somebody publishes lack nothing and have nothing twice, whichever topics come into being and
// whichever messages go meanwhile.
func TestOpenWhilePublishing(t *testing.T) {
	const topics = 5 * openingSlice
	h := New(Config{Topic: func(string) TopicConfig { return TopicConfig{Policy: All, RingSize: 8} }})
	var seq atomic.Uint64
	publish := func(name string) { h.Publish(Publication{Seq: seq.Add(1), Topic: name}) }
	for i := range topics {
		publish(fmt.Sprintf("a.%d.%d", i%7, i))
	}
	var publisher sync.WaitGroup
	var stop atomic.Bool
	publisher.Go(func() {
		for i := 0; !stop.Load(); i++ {
			publish(fmt.Sprintf("a.%d.%d", i%7, i*31%topics))
			publish("a.1.busy")
			if i%100 == 0 {
				publish(fmt.Sprintf("a.2.new%d", i/100%1000))
			}
		}
	})
	var views []*Topic
	var opener sync.WaitGroup
	var mu sync.Mutex
	for _, list := range [][]string{{">", "a.1.*", "a.*.busy", "b.*"}, {">", "a.2.*", "*.*.*", "a.>"}} {
		opener.Go(func() {
			for _, pattern := range list {
				v, err := h.Open(pattern)
				if err != nil {
					t.Errorf("Open(%q): %v", pattern, err)
					return
				}
				mu.Lock()
				views = append(views, v)
				mu.Unlock()
			}
		})
	}
	opener.Wait()
	stop.Store(true)
	publisher.Wait()
	for _, v := range views {
		checkView(t, h, v)
	}
	if h.find(">", true) == nil || len(h.views) != 7 || h.building != nil {
		t.Errorf("got %d views, want 7, each once", len(h.views))
	}
}

// The same by hand: something happens at every step of the making.
func TestOpenStepByStep(t *testing.T) {
	const topics = 3*openingSlice + 7
	h := New(Config{Topic: func(string) TopicConfig { return TopicConfig{Policy: All, RingSize: 3} }})
	seq := uint64(0)
	publish := func(names ...string) {
		for _, name := range names {
			seq++
			h.Publish(Publication{Seq: seq, Topic: name})
		}
	}
	name := func(i int) string { return fmt.Sprintf("a.%d", i) }
	for i := range topics {
		publish(name(i), name(i))
	}
	o, err := h.beginView("a.*")
	if err != nil {
		t.Fatal(err)
	}
	disturb := func(step int) {
		for _, i := range []int{0, openingSlice, 2 * openingSlice, topics - 1} {
			publish(name(i), name(i), "b", name(i+step)) // the ring drops what the topics held at first
		}
		publish(fmt.Sprintf("a.new%d", step))
	}
	for step := 0; len(o.rest) > 0; step++ {
		disturb(step)
		h.selectSlice(o)
		disturb(step + 100)
		o.collect()
	}
	slices.SortFunc(o.found, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	disturb(50)
	if len(o.view.view.aside) == 0 || after(o.found, o.view.view.aside[0].seq) == len(o.found) {
		t.Error("got nothing to merge, want messages put aside that are older than some found")
	}
	h.finishView(o)
	checkView(t, h, o.view)
	disturb(51)
	checkView(t, h, o.view)
}

// checkView compares what a view holds with what its topics hold.
func checkView(t *testing.T, h *Hub, v *Topic) {
	t.Helper()
	var want, got []uint64
	for _, member := range h.order {
		for pos := member.Oldest(); topic.Match(v.name, member.name) && pos <= member.Head(); pos++ {
			want = append(want, member.At(pos).seq)
		}
	}
	slices.Sort(want)
	for _, e := range v.view.block.Load().entries() {
		if e.held() {
			got = append(got, e.seq)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %d messages, sorted %v, want the %d that its topics hold", v.name, len(got), slices.IsSorted(got), len(want))
	}
	if n := len(want); n > 0 && v.Head() != want[n-1] {
		t.Errorf("%s: got head %d, want %d", v.name, v.Head(), want[n-1])
	}
}

func TestMerge(t *testing.T) {
	entries := func(seqs ...uint64) (list []entry) {
		for _, seq := range seqs {
			list = append(list, entry{seq: seq})
		}
		return list
	}
	for _, tt := range []struct{ list, later, want []entry }{
		{nil, nil, nil},
		{entries(1, 2), nil, entries(1, 2)},
		{nil, entries(1, 2), entries(1, 2)},
		{entries(1, 3, 5), entries(6, 7), entries(1, 3, 5, 6, 7)},
		{entries(1, 3, 5, 9), entries(2, 4, 10), entries(1, 2, 3, 4, 5, 9, 10)},
		{entries(5, 6), entries(1, 2), entries(1, 2, 5, 6)},
	} {
		if got := merge(slices.Clone(tt.list), tt.later); !slices.Equal(got, tt.want) {
			t.Errorf("merge(%v, %v): got %v, want %v", tt.list, tt.later, got, tt.want)
		}
	}
}

// Views are prepared in the order in which they were asked for, each once, and everybody who asked is told; there are no more
// than there may be, those in the making included.
func TestPrepare(t *testing.T) {
	h := New(Config{MaxViews: 3})
	h.Publish(Publication{Seq: 1, Topic: "a.1"})
	told := make(chan string, 10)
	ask := func(pattern string) error { return h.Prepare(pattern, func() { told <- pattern }) }
	h.writing.Lock() // so that none is made
	for _, pattern := range []string{"a.*", "b.*", "a.*", "c.*"} {
		if err := ask(pattern); err != nil {
			t.Errorf("Prepare(%q): got %v, want it taken", pattern, err)
		}
	}
	if err := ask("d.*"); !errors.Is(err, ErrViews) {
		t.Errorf("a fourth pattern: got %v, want ErrViews", err)
	}
	if err := ask("a..*"); !errors.Is(err, topic.ErrSyntax) {
		t.Errorf("no pattern: got %v, want ErrSyntax", err)
	}
	h.writing.Unlock()
	for _, want := range []string{"a.*", "a.*", "b.*", "c.*"} {
		if got := <-told; got != want {
			t.Errorf("told of %q, want %q", got, want)
		}
		if h.Lookup(want) == nil {
			t.Errorf("%s is not there when it is ready", want)
		}
	}
	checkView(t, h, h.Lookup("a.*"))
	if err := ask("b.*"); err != nil || <-told != "b.*" {
		t.Errorf("one that is there: got %v, want it ready", err)
	}
	if err := ask("d.*"); !errors.Is(err, ErrViews) {
		t.Errorf("a fourth pattern: got %v, want ErrViews", err)
	}
}
