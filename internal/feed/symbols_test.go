package feed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func symbols(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "S" + strconv.Itoa(i)
	}
	return names
}

// Each symbol ticks once an interval on its own topic, at the same place in every interval, and the ticks of all are spread evenly.
func TestSymbolsAreSpreadOverTheInterval(t *testing.T) {
	for _, tt := range []struct {
		symbols  int
		interval time.Duration
		step     time.Duration // from one time with ticks to the next
		together int           // ticks of one time, at most
	}{
		{1, time.Second, time.Second, 1},
		{4, time.Second, 250 * time.Millisecond, 1},
		{1000, 4 * time.Second, 4 * time.Millisecond, 1},
		{25, 10 * time.Millisecond, time.Millisecond, 3},
	} {
		t.Run(fmt.Sprintf("%d in %v", tt.symbols, tt.interval), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := collect(t, Config{Topic: "price.{sym}", Symbols: symbols(tt.symbols), Interval: tt.interval}, 3*tt.symbols)
				last, ticks, together := map[string]message{}, map[time.Time]int{}, 0
				for i, m := range got {
					tick := parse(t, []byte(m.payload))
					if m.topic != "price."+tick.Sym || !m.at.Equal(m.intended) {
						t.Fatalf("tick %d: got %+v on %q, %v late; want a topic for each symbol, in time", i, tick, m.topic, m.at.Sub(m.intended))
					}
					if before, ok := last[m.topic]; ok && (m.intended.Sub(before.intended) != tt.interval || tick.Seq != parse(t, []byte(before.payload)).Seq+1) {
						t.Fatalf("%s: got %s after %s, want the next number an interval later", m.topic, m.payload, before.payload)
					}
					if i > 0 && !m.intended.Equal(got[i-1].intended) && m.intended.Sub(got[i-1].intended) != tt.step {
						t.Fatalf("tick %d: got %v after the one before, want %v", i, m.intended.Sub(got[i-1].intended), tt.step)
					}
					last[m.topic] = m
					ticks[m.intended]++
					together = max(together, ticks[m.intended])
				}
				if len(last) != tt.symbols || together != tt.together {
					t.Errorf("got %d topics and up to %d ticks at once, want %d and %d", len(last), together, tt.symbols, tt.together)
				}
			})
		})
	}
}

// A symbol whose tick is refused offers it again; the others go on meanwhile, and nobody's number is left out.
func TestRefusedSymbolHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Config{Topic: "price.{sym}", Symbols: symbols(10), Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		refusals := 0
		got := run(t, f, 100, func(i int) error {
			if i >= 12 && i < 40 && i%2 == 0 {
				refusals++
				return errRefused
			}
			return nil
		})
		seqs := map[string]uint64{}
		for _, m := range got {
			tick := parse(t, []byte(m.payload))
			if seqs[tick.Sym]++; tick.Seq != seqs[tick.Sym] {
				t.Fatalf("%s: got number %d, want %d", tick.Sym, tick.Seq, seqs[tick.Sym])
			}
		}
		if s := f.Stats(); s.Failed != uint64(refusals) || refusals == 0 {
			t.Errorf("got %+v, want %d refusals", s, refusals)
		}
		for sym, n := range seqs {
			if n < 8 {
				t.Errorf("%s: got %d ticks of 100 of ten symbols, want 8 or more", sym, n)
			}
		}
	})
}

// A feed of many symbols that was held up for less than an interval makes up for it: no symbol misses its tick.
func TestHeldUpSymbolsMissNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Config{Topic: "price.{sym}", Symbols: symbols(100)})
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, f, 500, func(i int) error {
			if i == 150 {
				time.Sleep(900 * time.Millisecond)
			}
			return nil
		})
		for i, m := range got {
			if want := got[0].intended.Add(time.Duration(i) * 10 * time.Millisecond); !m.intended.Equal(want) {
				t.Fatalf("tick %d: got one due %v, want %v: none left out", i, m.intended, want)
			}
		}
		if s := f.Stats(); s.Late != 0 {
			t.Errorf("got %+v, want none left out", s)
		}
	})
}

func TestReplayedSymbolsHaveTopics(t *testing.T) {
	cfg := Config{Topic: "price.{sym}", CheckTopic: func(topic string) error {
		if strings.Contains(topic, " ") {
			return errors.New("no topic")
		}
		return nil
	}}
	r, err := parseCSV(strings.NewReader("symbol,price\nACME,1\nEMCA,2\n"), "X", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"price.ACME", "price.EMCA", "price.ACME"} {
		if got := r.next(nil, 0)[0].symbol.topic; got != want {
			t.Errorf("row %d: got topic %q, want %q", i, got, want)
		}
	}
	_, err = parseCSV(strings.NewReader("symbol,price\nACME,1\nA CME,2\n"), "X", cfg)
	if want := "line 3: column symbol: no topic"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
