package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A stream that an operator deletes and makes anew begins a new epoch, in which everything is read.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	server, cfg := external(t)
	b := open(t, cfg)
	in := subscribe(t, b, 0)
	publish(t, b, Msg{Topic: "a", Payload: []byte("old")})
	old := in.next(t)
	if err := server.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	made, err := server.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: Stream, Subjects: []string{"tick.>"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.js.Publish(t.Context(), "tick.a", []byte("new")); err != nil {
		t.Fatal(err)
	}
	m := in.next(t)
	if want := epochOf(made.CachedInfo()); string(m.Payload) != "new" || m.Seq != 1 || !m.Anew || !m.Gap || m.Epoch != want {
		t.Errorf("got %+v, want the first message of epoch %s after a gap", m, want)
	}
	if old.Epoch == m.Epoch || old.Anew || b.Epoch() != m.Epoch {
		t.Errorf("epochs: got %q, then %q, of the bus %q", old.Epoch, m.Epoch, b.Epoch())
	}
	if ack := publish(t, b, Msg{Topic: "a"}); ack.Seq != 2 {
		t.Errorf("Publish: got %+v, want sequence 2 of the new stream", ack)
	}
	if m := in.next(t); m.Seq != 2 || m.Anew || m.Gap {
		t.Errorf("got %+v, want message 2 without a gap", m)
	}
}

// A stream that is deleted and not made again by anybody else is made again.
func TestDeletedExternalStream(t *testing.T) {
	t.Parallel()
	server, cfg := external(t)
	b := open(t, cfg)
	in := subscribe(t, b, 0)
	publish(t, b, Msg{Topic: "a"})
	old := in.next(t)
	if err := server.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	waitLong(t, "another epoch", func() bool { return b.Epoch() != old.Epoch })
	publish(t, b, Msg{Topic: "a"})
	if m := in.next(t); m.Seq != 1 || !m.Anew || m.Epoch != b.Epoch() {
		t.Errorf("got %+v, want the first message of the new stream", m)
	}
}

// Servers that lost what they had acknowledged, as with a disk from a backup, give out sequences again.
func TestLostMessages(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), t.TempDir()
	o := startOwner(t, dir, "0")
	port := o.port()
	worker := connectExternal(t, o)
	fill(t, worker, 5)
	o.kill()
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	o = startOwner(t, dir, port)
	waitLong(t, "connection restored", func() bool { return worker.Ready() == nil })
	in := subscribe(t, worker, 0)
	fill(t, worker, 5)
	for seq := uint64(1); seq <= 10; seq++ {
		if m := in.next(t); m.Seq != seq {
			t.Fatalf("got message %d, want %d", m.Seq, seq)
		}
	}
	o.kill()
	o = startOwner(t, backup, port)
	other := connectExternal(t, o)
	for i := range 10 { // beyond what the subscription has read
		publish(t, other, Msg{Topic: "a", Payload: fmt.Append(nil, "again ", i)})
	}
	first := in.next(t)
	if first.Seq != 1 || !first.Anew || first.Epoch != worker.Epoch() {
		t.Errorf("got %+v, want message 1 once more, after a gap", first)
	}
	for seq := uint64(2); seq <= 15; seq++ {
		if m := in.next(t); m.Seq != seq || m.Gap || seq > 5 && !strings.HasPrefix(string(m.Payload), "again") {
			t.Fatalf("got message %+v, want %d of what is there now", m, seq)
		}
	}
}

// connectExternal connects to a server of another process as to one that is nobody's own.
func connectExternal(t *testing.T, o *owner) *Bus {
	t.Helper()
	return open(t, Config{URLs: []string{o.endpoint.URL}, Token: o.endpoint.Token})
}

// A consumer that somebody deletes is made again where it ended.
func TestDeletedConsumer(t *testing.T) {
	t.Parallel()
	server, cfg := external(t)
	b := open(t, cfg)
	in := subscribe(t, b, 0)
	publish(t, b, Msg{Topic: "a"})
	in.next(t)
	stream, err := server.js.Stream(t.Context(), Stream)
	if err != nil {
		t.Fatal(err)
	}
	for name := range stream.ConsumerNames(context.Background()).Name() {
		if err := stream.DeleteConsumer(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, b, Msg{Topic: "a"})
	if m := in.next(t); m.Seq != 2 || m.Gap {
		t.Errorf("got %+v, want message 2 without a gap", m)
	}
}

// The number of copies: as many as a single server can keep, or as wished; too many are told with the remedy.
func TestReplicas(t *testing.T) {
	t.Parallel()
	_, cfg := external(t)
	b := open(t, cfg)
	if got := b.stream.CachedInfo().Config.Replicas; got != 1 {
		t.Errorf("copies on a single server: got %d, want 1", got)
	}
	cfg.Replicas, cfg.Logger = 3, testLogger(t)
	open(t, cfg) // the stream that is there is respected
	if err := b.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	if other, err := Open(t.Context(), cfg); err == nil {
		_ = other.Close()
		t.Error("Open with three copies on a single server: got no error")
	}
}

// tailStream is a stream that ends with a message.
type tailStream struct {
	jetstream.Stream
	newest uint64
}

func (s tailStream) CachedInfo() *jetstream.StreamInfo {
	return &jetstream.StreamInfo{Created: time.Unix(1, 0), State: jetstream.StreamState{LastSeq: s.newest}}
}

// A server that is behind for a moment has lost nothing; one that stays behind has.
func TestShortStream(t *testing.T) {
	b := newBus(testLogger(t))
	s := &Subscription{bus: b, next: 11, last: time.Unix(2, 0), live: true}
	behind := tailStream{newest: 5}
	if err := s.continues(t.Context(), behind); !errors.Is(err, errShort) || s.next != 11 {
		t.Errorf("at first: got %v and next %d, want %v and 11", err, s.next, errShort)
	}
	s.short = time.Now().Add(-2 * shortPatience)
	if err := s.continues(t.Context(), behind); !errors.Is(err, errAnew) || s.next != 0 || !s.anew {
		t.Errorf("after %v: got %v and next %d, want %v and the beginning", 2*shortPatience, err, s.next, errAnew)
	}
}

func TestLed(t *testing.T) {
	for _, test := range []struct {
		cluster *jetstream.ClusterInfo
		want    error
	}{
		{nil, nil}, // a single server
		{&jetstream.ClusterInfo{Name: "c", Leader: "n1"}, nil},
		{&jetstream.ClusterInfo{Name: "c"}, errLeaderless},
	} {
		if err := led(&jetstream.StreamInfo{Cluster: test.cluster}); !errors.Is(err, test.want) {
			t.Errorf("led(%+v): got %v, want %v", test.cluster, err, test.want)
		}
	}
}
