package feed

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tick is a payload as a subscriber reads it.
type tick struct {
	Sym   string  `json:"sym"`
	Price float64 `json:"price"`
	Seq   uint64  `json:"seq"`
	Ts    int64   `json:"ts"`
	Pad   string  `json:"pad"`
}

func parse(t *testing.T, payload []byte) (got tick) {
	t.Helper()
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return got
}

// message is what a feed has published.
type message struct {
	topic    string
	payload  string
	intended time.Time
	at       time.Time
}

// collect runs a feed until it has published n messages, or to its end.
func collect(t *testing.T, cfg Config, n int) []message {
	t.Helper()
	f, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return run(t, f, n, nil)
}

// run is collect for a feed that exists; before is called first for each message, if it is not nil.
func run(t *testing.T, f Feed, n int, before func(i int) error) []message {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []message
	calls := 0
	err := f.Run(ctx, func(_ context.Context, topic string, payload []byte, intended time.Time) error {
		m := message{topic: topic, payload: string(payload), intended: intended, at: time.Now()}
		calls++
		if before != nil {
			if err := before(calls - 1); err != nil {
				return err
			}
		}
		if got = append(got, m); len(got) == n {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return got
}

var errRefused = errors.New("refused")
