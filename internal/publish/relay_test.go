package publish

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"tickgate/internal/bus"
	"tickgate/internal/envelope"
)

// result is what a relay says about a message.
type result struct {
	stored envelope.Stored
	fault  *envelope.Error
}

// relayTo returns a relay that is closed with the test.
func relayTo(t *testing.T, cfg RelayConfig) *Relay {
	t.Helper()
	r := NewRelay(cfg)
	t.Cleanup(r.Close)
	return r
}

// hand hands a message over and returns where its outcome comes.
func hand(t *testing.T, r *Relay, p envelope.Publication) <-chan result {
	t.Helper()
	ch := make(chan result, 1)
	if !r.Publish(p, func(s envelope.Stored, e *envelope.Error) { ch <- result{s, e} }) {
		t.Fatalf("%s: got busy, want it taken", p.Topic)
	}
	return ch
}

func TestRelayKeepsTheOrder(t *testing.T) {
	store := &memory{}
	r := relayTo(t, RelayConfig{Publisher: store})
	var outcomes []<-chan result
	const messages = 500
	for n := range messages {
		outcomes = append(outcomes, hand(t, r, envelope.Publication{Topic: "a", Payload: fmt.Append(nil, n), Event: "e", MsgID: fmt.Sprint("m", n)}))
	}
	for n, ch := range outcomes {
		if got := <-ch; got.fault != nil || got.stored.ID != fmt.Sprintf("epoch-%d", n+1) || got.stored.Duplicate {
			t.Fatalf("message %d: got %+v, want it stored in its place", n, got)
		}
	}
	for n, m := range store.stored() {
		if want := fmt.Sprint(n); string(m.Payload) != want || m.MsgID != "m"+want || m.Event != "e" || m.Topic != "a" {
			t.Fatalf("stored as %d: got %+v", n, m)
		}
	}
	if s := r.Stats(); s.Stored != messages || len(s.Failed) != 0 {
		t.Errorf("got stats %+v, want %d stored", s, messages)
	}
}

// What is on its way is bounded by number and by bytes; one message always passes.
func TestRelayIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		cfg     RelayConfig
		payload int
		most    int
	}{
		{"messages", RelayConfig{Window: 3}, 10, 3},
		{"bytes", RelayConfig{WindowBytes: 100}, 40, 2},
		{"one large message", RelayConfig{WindowBytes: 10}, 40, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := &memory{hold: make(chan struct{})}
			tt.cfg.Publisher = store
			r := relayTo(t, tt.cfg)
			p := envelope.Publication{Topic: "a", Payload: make([]byte, tt.payload)}
			for round := range 2 {
				var outcomes []<-chan result
				for range tt.most {
					outcomes = append(outcomes, hand(t, r, p))
				}
				if r.Publish(p, func(envelope.Stored, *envelope.Error) { t.Error("got an outcome of a message that was not taken") }) {
					t.Fatalf("round %d: got message %d taken, want busy", round, tt.most+1)
				}
				if round == 0 {
					close(store.hold)
				}
				for _, ch := range outcomes {
					if got := <-ch; got.fault != nil {
						t.Errorf("got %v, want it stored", got.fault)
					}
				}
			}
		})
	}
}

func TestRelayChecks(t *testing.T) {
	r := relayTo(t, RelayConfig{Publisher: &memory{}, MaxMessage: 4})
	for _, tt := range []struct {
		p             envelope.Publication
		code, message string
	}{
		{envelope.Publication{Topic: "a", Payload: []byte("1234"), Event: "e", MsgID: "m"}, "", ""},
		{envelope.Publication{Topic: "a..b"}, "bad_topic", "empty token"},
		{envelope.Publication{Topic: "a.*"}, "bad_topic", "wildcards"},
		{envelope.Publication{Topic: "a", Payload: []byte("12345")}, "too_large", "--max-message"},
		{envelope.Publication{Topic: "a", Event: "gap"}, "bad_request", "the gateway's own"},
		{envelope.Publication{Topic: "a", Event: "a\nb"}, "bad_request", "control characters"},
		{envelope.Publication{Topic: "a", MsgID: strings.Repeat("m", 257)}, "bad_request", "at most 256"},
	} {
		got := r.Check(&tt.p)
		switch {
		case tt.code == "" && got != nil:
			t.Errorf("%+v: got %v, want nothing wrong", tt.p, got)
		case tt.code != "" && (got == nil || got.Code != tt.code || !strings.Contains(got.Message, tt.message)):
			t.Errorf("%+v: got %v, want %s %s", tt.p, got, tt.code, tt.message)
		}
	}
	if s := r.Stats(); s.Failed["bad_topic"] != 2 || s.Failed["bad_request"] != 3 || s.Failed["too_large"] != 1 {
		t.Errorf("got stats %+v, want each refusal counted", s)
	}
}

func TestRelayTellsErrors(t *testing.T) {
	store := &memory{}
	r := relayTo(t, RelayConfig{Publisher: store})
	for _, tt := range []struct {
		err  error
		code string
	}{
		{bus.ErrUnavailable, "unavailable"},
		{fmt.Errorf("publish: %w", bus.ErrTooLarge), "too_large"},
		{&bus.StorageError{Dir: "d", Err: errors.New("full")}, "storage_full"},
		{nil, ""},
	} {
		store.fail(tt.err)
		got := <-hand(t, r, envelope.Publication{Topic: "a"})
		if tt.err == nil && got.fault != nil || tt.err != nil && (got.fault == nil || got.fault.Code != tt.code) {
			t.Errorf("%v: got %+v, want %q", tt.err, got, tt.code)
		}
	}
}

// busyFor is a Publisher that refuses a number of messages before it takes one.
type busyFor struct {
	memory
	left atomic.Int32
}

func (b *busyFor) PublishAsync(m bus.Msg) (Pending, error) {
	if b.left.Add(-1) >= 0 {
		return nil, bus.ErrOverloaded
	}
	return b.memory.PublishAsync(m)
}

// While the stream is busy messages wait in the relay.
func TestRelayWaitsForABusyStream(t *testing.T) {
	store := &busyFor{}
	store.left.Store(5)
	r := relayTo(t, RelayConfig{Publisher: store})
	first, second := hand(t, r, envelope.Publication{Topic: "a"}), hand(t, r, envelope.Publication{Topic: "b"})
	if a, b := <-first, <-second; a.stored.ID != "epoch-1" || b.stored.ID != "epoch-2" {
		t.Errorf("got %+v and %+v, want both stored in order", a, b)
	}
}

// A relay that is closed gives every message its outcome, also while the stream does not answer, and takes none any more.
func TestRelayCloses(t *testing.T) {
	store := &memory{hold: make(chan struct{})}
	r := NewRelay(RelayConfig{Publisher: store})
	outcome := hand(t, r, envelope.Publication{Topic: "a"})
	r.Close()
	if got := <-outcome; got.fault == nil || got.fault.Code != "unavailable" {
		t.Errorf("got %+v, want unavailable: nobody knows whether it is stored", got)
	}
	if r.Publish(envelope.Publication{Topic: "a"}, nil) {
		t.Error("got a message taken by a closed relay, want it refused")
	}
	r.Close()
}
