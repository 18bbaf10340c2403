package hub

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Patterns that come and go leave nothing behind in topics that nobody publishes to any more.
func TestTopicsLetGoOfViews(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	for i := range uint64(10) {
		b.publishTo(fmt.Sprintf("user.%d", i), i+1)
	}
	now := time.Now()
	sweep := func() {
		for range 4 { // seen used, seen idle, idle for long enough, and what that leaves
			now = now.Add(linger)
			b.hub.Sweep(now, 1000)
		}
	}
	sweep()
	before := b.hub.Stats().Bytes
	for range 50 {
		b.open("user.*")
		b.open(">")
		sweep()
	}
	if got := b.hub.Stats(); got.Views != 0 || got.Bytes != before {
		t.Errorf("got %d views, %d B, want none, %d B as before", got.Views, got.Bytes, before)
	}
	for name, topic := range b.hub.topics {
		if n := len(topic.views); n != 0 {
			t.Fatalf("%s: got %d views, want none: all have been closed", name, n)
		}
	}
}

// What topics keep of the views that select them is part of the budget, and clients get no more than their share of it.
func TestViewsOfManyTopicsInTheBudget(t *testing.T) {
	const topics = 2000
	b := newBench(t, TopicConfig{})
	b.hub = New(Config{MaxBytes: 4 << 20})
	for i := range topics {
		b.open(fmt.Sprintf("a.b.c.d.e.f.g.%d", i))
	}
	before, opened, err := b.hub.Stats().Bytes, 0, error(nil)
	for _, pattern := range patternsOf(8) {
		if _, err = b.hub.Open(pattern); err != nil {
			break
		}
		opened++
	}
	if !errors.Is(err, ErrViews) {
		t.Fatalf("%d patterns that select %d topics each: got %v, want ErrViews", opened, topics, err)
	}
	// Or who is told that it may have been made would ask for it again and again.
	if err := b.hub.Prepare("another.*", func() { t.Error("got a view prepared for which there is no room") }); !errors.Is(err, ErrViews) {
		t.Errorf("Prepare: got %v, want ErrViews", err)
	}
	took, share := b.hub.Stats().Bytes-before, b.hub.budget.limit/clientShare
	if least := int64(8 * topics * opened); took < least || took < share || took > 2*share+least {
		t.Errorf("%d views: got %d B counted, want at least %d B, and about the share of %d B", opened, took, least, share)
	}
	b.open("another") // there is room for topics
}

// patternsOf returns the patterns that select the topic a.b.c and so on, with n tokens: each of them, but for the last, is
// itself or a wildcard.
func patternsOf(n int) (patterns []string) {
	for set := range 1 << (n - 1) {
		pattern := ""
		for i := range n - 1 {
			token := string(rune('a' + i))
			if set&(1<<i) != 0 {
				token = "*"
			}
			pattern += token + "."
		}
		patterns = append(patterns, pattern+"*")
	}
	return patterns
}
