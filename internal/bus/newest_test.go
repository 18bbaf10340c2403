package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestNewest(t *testing.T) {
	b := open(t, Config{})
	const topics = 3 * newestBatch
	for i := range 2 * topics {
		publish(t, b, Msg{Topic: fmt.Sprintf("t.%d", i%topics), Payload: []byte{byte(i)}, Event: "e"})
	}
	for range 10 {
		publish(t, b, Msg{Topic: "busy"})
	}
	for _, before := range []uint64{0, 1, topics + 1, topics + 2, 2*topics + 1, 2*topics + 11} {
		var got []uint64
		err := b.Newest(t.Context(), before, func(m Msg) {
			if want := fmt.Sprintf("t.%d", (m.Seq-1)%topics); m.Seq <= 2*topics && (m.Topic != want || m.Event != "e") {
				t.Errorf("message %d: got topic %q, event %q, want %q, e", m.Seq, m.Topic, m.Event, want)
			}
			got = append(got, m.Seq)
		})
		if err != nil {
			t.Fatalf("before %d: %v", before, err)
		}
		var want []uint64
		for seq := uint64(topics + 1); seq <= 2*topics && seq < before; seq++ {
			want = append(want, seq)
		}
		if before > 2*topics+10 {
			want = append(want, 2*topics+10)
		}
		if !slices.Equal(got, want) {
			t.Errorf("before %d: got %d messages, want %d, in order", before, len(got), len(want))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Newest(ctx, 10, func(Msg) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
}

func TestNewestOfNothing(t *testing.T) {
	b := open(t, Config{})
	if err := b.Newest(t.Context(), 1, func(m Msg) { t.Errorf("got message %d from an empty stream", m.Seq) }); err != nil {
		t.Error(err)
	}
}
