package load

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// counted returns statistics with something in every field, of messages that took up to half a second.
func counted(messages int) *Stats {
	h := newCounts()
	for range messages {
		h.record(rand.N(500*time.Millisecond), 1)
	}
	s := &Stats{
		At: time.Unix(1700000000, 5).UTC(), LastOpen: time.Unix(1700000001, 0).UTC(), Newest: Tick{Seq: 9, First: 4},
		Ticks: []Tick{{Seq: 8, Intended: 1, First: 2, Last: 3, Count: 4}}, Open: [Transports]int{1, 2}, Slow: 3, Dialing: 4,
		Away: 5, Fresh: 6, GaveUp: 7, Behind: 8, Left: 9, Returned: Tally{Opened: 10}, Busy: time.Second,
	}
	for t := range Transports {
		s.ByTransport[t] = Tally{Dialed: 11, Messages: int64(t + 1), Slow: 12}
	}
	s.Faults.ByKind[Closed] = 3
	s.Faults.CloseCodes = map[int]int64{1001: 3}
	s.Faults.Statuses = map[int]int64{503: 1}
	s.Faults.Examples = map[Failure]string{Closed: "closed with 1001"}
	for _, d := range s.dists() {
		*d = h.dist()
	}
	s.Lag = Dist{}
	return s
}

func TestStatsTravel(t *testing.T) {
	want := counted(1000)
	all, err := want.Append(nil, Known{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeStats(all, &Stats{})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}

	known, err := ParseKnown(want.Known().String())
	if err != nil {
		t.Fatal(err)
	}
	next := counted(1000)
	next.Hold[SSE] = counted(1001).Hold[SSE]
	next.Connect, next.Handshake, next.Ramp, next.Hold[WebSocket] = want.Connect, want.Handshake, want.Ramp, want.Hold[WebSocket]
	next.CaughtUp, next.Stayed = want.CaughtUp, want.Stayed
	news, err := next.Append(nil, known)
	if err != nil {
		t.Fatal(err)
	}
	if len(news) > len(all)/3 {
		t.Errorf("got %d bytes for one changed distribution, and %d for all", len(news), len(all))
	}
	if got, err := DecodeStats(news, want); err != nil || !reflect.DeepEqual(got, next) {
		t.Errorf("got %+v, %v, want %+v", got, err, next)
	}
}

func TestDamagedStatsAreRefused(t *testing.T) {
	all, err := counted(100).Append(nil, Known{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range all {
		if _, err := DecodeStats(all[:n], &Stats{}); err == nil {
			t.Fatalf("the first %d of %d bytes were accepted", n, len(all))
		}
	}
	for _, text := range []string{"", "1,2", "1,2,3,4,5,6,x", "1,2,3,4,5,6,7,8"} {
		if _, err := ParseKnown(text); err == nil {
			t.Errorf("known %q was accepted", text)
		}
	}
}

func TestSumOfProcesses(t *testing.T) {
	var sum Sum
	a, b := counted(100), counted(200)
	for range 2 { // the second time from what is remembered
		got, want := sum.Of([]*Stats{a, b}), new(Stats)
		want.Add(a)
		want.Add(b)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	more := *b
	more.Hold[WebSocket] = counted(300).Hold[WebSocket]
	got := sum.Of([]*Stats{a, &more})
	if n := got.Hold[WebSocket].Total(); n != 400 {
		t.Errorf("got %d messages after one process has seen more, want 400", n)
	}
	if n := got.Hold[SSE].Total(); n != 300 {
		t.Errorf("got %d messages of those that have not changed, want 300", n)
	}
}

// BenchmarkStatsTravel is one reading of six processes with 100,000 clients that have 100 seconds behind them.
func BenchmarkStatsTravel(b *testing.B) {
	parts := make([]*Stats, 6)
	for i := range parts {
		parts[i] = counted(1_000_000)
	}
	known := parts[0].Known()
	known[2], known[3] = 1, 1 // these have changed
	var sum Sum
	b.ReportAllocs()
	for b.Loop() {
		for i, s := range parts {
			encoded, err := s.Append(nil, known)
			if err != nil {
				b.Fatal(err)
			}
			if parts[i], err = DecodeStats(encoded, s); err != nil {
				b.Fatal(err)
			}
		}
		sum.Of(parts)
	}
}
