package feed

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTicksKeepTheSchedule(t *testing.T) {
	for _, interval := range []time.Duration{10 * time.Millisecond, 333 * time.Millisecond, time.Second, 7 * time.Second} {
		t.Run(interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(3*time.Second + 4567*time.Microsecond) // not at a multiple
				start := time.Now()
				got := collect(t, Config{Topic: "ticks", Interval: interval}, 100)
				if first := got[0].intended.Sub(start); first <= 0 || first > interval {
					t.Errorf("first tick: got %v after the start, want within an interval", first)
				}
				for i, m := range got {
					want := got[0].intended.Add(time.Duration(i) * interval)
					if !m.intended.Equal(want) || !m.at.Equal(want) {
						t.Fatalf("tick %d: got intended %v at %v, want both %v", i, m.intended, m.at, want)
					}
					if ns := m.intended.UnixNano(); ns%int64(interval) != 0 {
						t.Fatalf("tick %d: got %d ns, want a multiple of the interval", i, ns)
					}
					tick := parse(t, []byte(m.payload))
					if tick.Seq != uint64(i+1) || tick.Ts != want.UnixNano() || tick.Sym != "ACME" || m.topic != "ticks" {
						t.Fatalf("tick %d: got %+v on %q", i, tick, m.topic)
					}
				}
			})
		})
	}
}

// A feed that was held up leaves out what it has missed, tells so, and goes on in time: it never bursts.
func TestLateFeedSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Config{Topic: "ticks"})
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, f, 6, func(i int) error {
			switch i {
			case 1:
				time.Sleep(900 * time.Millisecond) // in time
			case 2:
				time.Sleep(3500 * time.Millisecond) // misses two and is late for the third
			}
			return nil
		})
		var since []time.Duration
		for i, m := range got {
			since = append(since, m.intended.Sub(got[0].intended))
			if tick := parse(t, []byte(m.payload)); tick.Seq != uint64(i+1) {
				t.Errorf("tick %d: got sequence %d, want %d: a skip is no loss", i, tick.Seq, i+1)
			}
		}
		want := []time.Duration{0, 1, 2, 5, 6, 7}
		for i := range want {
			if since[i] != want[i]*time.Second {
				t.Fatalf("intended times: got %v, want %v s", since, want)
			}
		}
		if s := f.Stats(); s.Late != 2 || s.Published != 6 || s.Failed != 0 {
			t.Errorf("stats: got %+v, want 6 published, 2 late", s)
		}
	})
}

// What a publisher refuses is offered again, with a new time and the same sequence.
func TestRefusedTickIsOfferedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := collect(t, Config{Seed: 5}, 4)
		f, err := New(Config{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, f, 4, func(i int) error {
			if i == 1 || i == 2 {
				return errRefused
			}
			return nil
		})
		for i := range got {
			want, tick := parse(t, []byte(plain[i].payload)), parse(t, []byte(got[i].payload))
			if tick.Seq != want.Seq || tick.Price != want.Price {
				t.Errorf("tick %d: got %+v, want sequence and price of %+v", i, tick, want)
			}
		}
		if gap := got[1].intended.Sub(got[0].intended); gap != 3*time.Second {
			t.Errorf("time of the refused tick: got %v after the first, want 3s", gap)
		}
		if s := f.Stats(); s.Failed != 2 || s.Published != 4 {
			t.Errorf("stats: got %+v, want 4 published, 2 failed", s)
		}
	})
}

// A clock that is set back must not make the feed wait until it has caught up.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(time.Second, time.Second)
		defer s.stop()
		s.next = s.next.Add(time.Hour)
		start := time.Now()
		intended, late, ok := s.wait(t.Context())
		if waited := time.Since(start); !ok || late != 0 || waited > time.Second || !intended.Equal(time.Now()) {
			t.Errorf("got %v, %d late, %v, after %v; want the next second", intended, late, ok, waited)
		}
	})
}

func TestSimulationIsReproducible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Seed: 7, Symbols: []string{"ACME", `O"DD`}}
		one, two := collect(t, cfg, 1000), collect(t, cfg, 1000)
		cfg.Seed = 8
		other := collect(t, cfg, 1000)
		same, seqs := 0, map[string]uint64{}
		for i := range one {
			a, b, c := parse(t, []byte(one[i].payload)), parse(t, []byte(two[i].payload)), parse(t, []byte(other[i].payload))
			if a.Price != b.Price || a.Sym != b.Sym || a.Seq != b.Seq {
				t.Fatalf("message %d: got %+v and %+v from equal seeds", i, a, b)
			}
			if seqs[a.Sym]++; a.Seq != seqs[a.Sym] || a.Seq != uint64(i/2+1) {
				t.Fatalf("message %d: got %+v, want tick %d of %s, which take turns", i, a, i/2+1, a.Sym)
			}
			if a.Price == c.Price {
				same++
			}
			if a.Price < 80 || a.Price > 125 {
				t.Errorf("message %d: got price %v, want within 80 to 125", i, a.Price)
			}
			if cents := a.Price * 100; cents-float64(int(cents+0.5)) > 1e-9 {
				t.Errorf("message %d: got price %v, want whole cents", i, a.Price)
			}
		}
		if same > 100 {
			t.Errorf("prices of another seed: got %d of 1000 the same", same)
		}
	})
}

func TestPadding(t *testing.T) {
	at := time.Unix(0, 1790000000000000000)
	bare := len(newSymbol("ACME", "ticks").appendTick(nil, 101.25, at))
	for n := range 1024 {
		s := newSymbol("ACME", "ticks")
		got := pad(s.appendTick(nil, 101.25, at), n)
		if want := max(n, bare); len(got) != want {
			t.Fatalf("padded to %d: got %d bytes, want %d: %s", n, len(got), want, got)
		}
		if tick := parse(t, got); tick.Price != 101.25 || tick.Seq != 1 || tick.Ts != at.UnixNano() {
			t.Fatalf("padded to %d: got %+v", n, tick)
		}
	}
	want := `{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`
	s := newSymbol("ACME", "ticks")
	s.seq = 41
	if got := string(s.appendTick(nil, 101.25, at)); got != want {
		t.Errorf("tick: got %s, want %s", got, want)
	}
	if got, want := string(pad([]byte(`{"a":1}`), 20)), `{"a":1,"pad":"xxxx"}`; got != want {
		t.Errorf("pad: got %s, want %s", got, want)
	}
}

func TestNewErrors(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		want string
	}{
		{Config{Kind: "nonsense"}, `feed "nonsense": there are sim, replay, stdin and none`},
		{Config{Interval: time.Millisecond}, "feed interval 1ms: at least 10ms is needed"},
		{Config{Kind: Replay, File: "/nowhere/x.csv"}, "replay /nowhere/x.csv: no such file or directory"},
	} {
		if _, err := New(test.cfg); err == nil || err.Error() != test.want {
			t.Errorf("New(%+v): got %v, want %q", test.cfg, err, test.want)
		}
	}
}

func TestNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Config{Kind: None})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err = f.Run(ctx, func(context.Context, string, []byte, time.Time) error {
			return fmt.Errorf("none has published")
		})
		if err != nil || f.Stats() != (Stats{}) {
			t.Errorf("got %v and %+v, want nothing", err, f.Stats())
		}
	})
}

// An encoded tick allocates nothing, padded or not.
func TestEncodeDoesNotAllocate(t *testing.T) {
	for _, size := range []int{0, 256} {
		f := newTicker(Config{PayloadBytes: size}, newSimulation(Config{}))
		at := time.Now()
		encode := func() {
			f.quotes = f.market.next(f.quotes[:0], 0)
			f.encode(f.quotes[0], at)
		}
		if got := testing.AllocsPerRun(100, encode); got != 0 {
			t.Errorf("encoding a tick of %d bytes: got %v allocations, want 0", size, got)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	f := newTicker(Config{PayloadBytes: 256}, newSimulation(Config{}))
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		f.quotes = f.market.next(f.quotes[:0], 0)
		f.encode(f.quotes[0], at)
	}
}
