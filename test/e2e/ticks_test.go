package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// tick is the feed's payload (protocol.md).
type tick struct {
	Sym   string  `json:"sym"`
	Price float64 `json:"price"`
	Seq   uint64  `json:"seq"`
	Ts    int64   `json:"ts"` // intended time, Unix nanoseconds
}

// parseTicks decodes payloads strictly.
func parseTicks(t testing.TB, payloads []string) []tick {
	t.Helper()
	ticks := make([]tick, len(payloads))
	for i, payload := range payloads {
		if err := json.Unmarshal([]byte(payload), &ticks[i]); err != nil {
			t.Fatalf("tick %d: got %q: %v", i, payload, err)
		}
		if ticks[i].Sym == "" || ticks[i].Price <= 0 || ticks[i].Seq == 0 || ticks[i].Ts == 0 {
			t.Errorf("tick %d: got %q, want sym, a positive price, seq and ts", i, payload)
		}
	}
	return ticks
}

// checkTicks checks that no tick is missing, doubled or out of order: seq counts per symbol without a hole.
func checkTicks(t testing.TB, payloads []string) {
	t.Helper()
	if err := gapFree(parseTicks(t, payloads)); err != nil {
		t.Error(err)
	}
}

// gapFree reports the first tick that does not follow its symbol's one before.
func gapFree(ticks []tick) error {
	last := map[string]uint64{}
	for i, tick := range ticks {
		if before, ok := last[tick.Sym]; ok && tick.Seq != before+1 {
			return fmt.Errorf("tick %d of %s: got seq %d after %d", i, tick.Sym, tick.Seq, before)
		}
		last[tick.Sym] = tick.Seq
	}
	return nil
}

// payloads returns the data of events.
func payloads(events []event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.data
	}
	return list
}

// splitID takes a message id <epoch>-<seq> apart.
func splitID(t testing.TB, id string) (epoch string, seq uint64) {
	t.Helper()
	cut := strings.LastIndexByte(id, '-')
	if cut <= 0 {
		t.Fatalf("got id %q, want <epoch>-<seq>", id)
	}
	seq, err := strconv.ParseUint(id[cut+1:], 10, 64)
	if err != nil || seq == 0 {
		t.Fatalf("got id %q, want <epoch>-<seq>", id)
	}
	return id[:cut], seq
}

// checkIDs checks that ids share one epoch and ascend without a hole.
func checkIDs(t testing.TB, events []event) {
	t.Helper()
	for i := 1; i < len(events); i++ {
		epoch, seq := splitID(t, events[i].id)
		epochBefore, seqBefore := splitID(t, events[i-1].id)
		if epoch != epochBefore || seq != seqBefore+1 {
			t.Errorf("event %d: got id %s after %s, want the next sequence number of the same epoch", i, events[i].id, events[i-1].id)
		}
	}
}
