package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestOneFeed: of several gateways with a feed of their own on one NATS, one publishes it. If it is killed, another one
// takes over, and clients never get two ticks for one.
func TestOneFeed(t *testing.T) {
	t.Parallel()
	c := startNATSServers(t, 1, "")
	flags := map[string]string{"feed": "sim", "feed-interval": "50ms", "default-topic": "-"}
	owner := gatewayOn(t, c, flags)
	other := gatewayOn(t, c, flags)
	client := openSSE(t, "http://"+other.Addr+"/sse", nil)
	before := len(client.wait(t, 40))
	owner.kill(t)
	// The lease of a gateway that was killed runs out after 10 s.
	eventually(t, clusterPatience, "ticks of the gateway that is left", func() bool { return takenOver(client.seen(), before) })
	checkIDs(t, client.seen())
	for i, seq := range sequences(t, client.seen()) {
		if i > 0 && seq.n != seq.before+1 && seq.n != 1 {
			t.Fatalf("tick %d: got seq %d after %d, want each once, or 1 from another gateway", i, seq.n, seq.before)
		}
	}
}

// takenOver tells whether ten ticks of another feed have come.
func takenOver(events []event, from int) bool {
	for i := from; i < len(events); i++ {
		if n, err := tickSeq(events[i].data); err == nil && n == 1 {
			return len(events) > i+10
		}
	}
	return false
}

type step struct{ before, n int }

// sequences returns the seq of each tick beside that of the one before.
func sequences(t *testing.T, events []event) (steps []step) {
	t.Helper()
	before := 0
	for _, e := range events {
		n, err := tickSeq(e.data)
		if err != nil {
			t.Fatalf("tick %s: %v", e.data, err)
		}
		steps = append(steps, step{before, n})
		before = n
	}
	return steps
}

func tickSeq(payload string) (int, error) {
	var tick struct{ Seq *int }
	if err := json.Unmarshal([]byte(payload), &tick); err != nil {
		return 0, err
	}
	if tick.Seq == nil {
		return 0, fmt.Errorf("no seq")
	}
	return *tick.Seq, nil
}
