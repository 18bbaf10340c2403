package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/topic"
)

func TestPublishAndSubscribe(t *testing.T) {
	b := open(t, Config{})
	in := subscribe(t, b, 0)
	await(t, "caught up with an empty stream", in.CaughtUp())
	sent := []Msg{
		{Topic: "price.ACME", Payload: []byte(`{"p":1}`)},
		{Topic: "a", Payload: []byte{0, 255, '\n'}, Event: "quote"},
		{Topic: "b.c.d", Payload: []byte{}, Event: "Größe", MsgID: "id 1"},
	}
	for i, m := range sent {
		if ack := publish(t, b, m); ack.Seq != uint64(i+1) || ack.Duplicate {
			t.Errorf("ack: got %+v, want sequence %d, no duplicate", ack, i+1)
		}
		got := in.next(t)
		if got.Topic != m.Topic || !bytes.Equal(got.Payload, m.Payload) || got.Event != m.Event || got.MsgID != m.MsgID {
			t.Errorf("message: got %+v, want %+v", got, m)
		}
		if got.Seq != uint64(i+1) || got.Gap || time.Since(got.Time) > time.Minute {
			t.Errorf("message: got sequence %d, gap %v, time %v, want %d, no gap, now", got.Seq, got.Gap, got.Time, i+1)
		}
	}
	if err := b.Ready(); err != nil {
		t.Errorf("Ready: got %v, want nil", err)
	}
}

func TestDuplicatesAreStoredOnce(t *testing.T) {
	b := open(t, Config{})
	first := publish(t, b, Msg{Topic: "a", Payload: []byte("1"), MsgID: "x"})
	again := publish(t, b, Msg{Topic: "a", Payload: []byte("2"), MsgID: "x"})
	if first.Duplicate || !again.Duplicate || again.Seq != first.Seq {
		t.Errorf("acks: got %+v and %+v, want the second to be a duplicate of the first", first, again)
	}
	if _, last, err := b.Bounds(t.Context()); err != nil || last != 1 {
		t.Errorf("Bounds: got last %d, %v, want 1", last, err)
	}
}

func TestHistory(t *testing.T) {
	b := open(t, Config{})
	const n = 1000
	fill(t, b, n)
	for _, test := range []struct{ from, first uint64 }{{0, 1}, {1, 1}, {500, 500}, {n, n}} {
		t.Run(fmt.Sprint("from ", test.from), func(t *testing.T) {
			in := subscribe(t, b, test.from)
			await(t, "caught up", in.CaughtUp())
			for seq := test.first; seq <= n; seq++ {
				if m := in.next(t); m.Seq != seq || m.Gap {
					t.Fatalf("got message %d, gap %v, want %d, no gap", m.Seq, m.Gap, seq)
				}
			}
		})
	}
	t.Run("from the future", func(t *testing.T) {
		in := subscribe(t, b, n+1)
		await(t, "caught up", in.CaughtUp())
		publish(t, b, Msg{Topic: "a"})
		if m := in.next(t); m.Seq != n+1 || m.Gap {
			t.Errorf("got message %d, gap %v, want %d, no gap", m.Seq, m.Gap, n+1)
		}
	})
}

// The end of the history may have been deleted.
func TestCaughtUpWithDeletedHistory(t *testing.T) {
	b := open(t, Config{})
	fill(t, b, 3)
	if err := b.stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	await(t, "caught up from message 3", subscribe(t, b, 3).CaughtUp())
	in := subscribe(t, b, 2)
	if m := in.next(t); m.Seq != 2 {
		t.Errorf("got message %d, want 2", m.Seq)
	}
	await(t, "caught up from message 2", in.CaughtUp())
	publish(t, b, Msg{Topic: "a"})
	if m := in.next(t); m.Seq != 4 || !m.Gap {
		t.Errorf("got message %d, gap %v, want 4 after a gap", m.Seq, m.Gap)
	}
}

// fill publishes n messages in a pipeline.
func fill(t *testing.T, b *Bus, n int) {
	t.Helper()
	var pending []*Pending
	flush := func() {
		for _, p := range pending {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Fatalf("Wait: %v", err)
			}
		}
		pending = pending[:0]
	}
	for i := range n {
		p, err := b.PublishAsync(Msg{Topic: "fill", Payload: fmt.Appendf(nil, "%d", i)})
		if err != nil {
			t.Fatalf("PublishAsync: %v", err)
		}
		if pending = append(pending, p); len(pending) == 500 {
			flush()
		}
	}
	flush()
}

func TestStreamIsBounded(t *testing.T) {
	b := open(t, Config{MaxMessages: 100})
	fill(t, b, 250)
	first, last, err := b.Bounds(t.Context())
	if err != nil || first != 151 || last != 250 {
		t.Errorf("Bounds: got %d to %d, %v, want 151 to 250", first, last, err)
	}
	in := subscribe(t, b, 100)
	if m := in.next(t); m.Seq != 151 || !m.Gap {
		t.Errorf("got message %d, gap %v, want 151 after a gap", m.Seq, m.Gap)
	}
	if m := in.next(t); m.Seq != 152 || m.Gap {
		t.Errorf("got message %d, gap %v, want 152, no gap", m.Seq, m.Gap)
	}
}

func TestRefusals(t *testing.T) {
	b := open(t, Config{MaxPayload: 1000})
	for _, test := range []struct {
		name string
		msg  Msg
		want error
	}{
		{"empty topic", Msg{}, ErrTopic},
		{"wildcard", Msg{Topic: "a.*"}, ErrTopic},
		{"full wildcard", Msg{Topic: "a.>"}, ErrTopic},
		{"empty token", Msg{Topic: "a..b"}, ErrTopic},
		{"leading dot", Msg{Topic: ".a"}, ErrTopic},
		{"trailing dot", Msg{Topic: "a."}, ErrTopic},
		{"space", Msg{Topic: "a b"}, ErrTopic},
		{"line end", Msg{Topic: "a\r\nPUB x 0"}, ErrTopic},
		{"NUL", Msg{Topic: "a\x00"}, ErrTopic},
		{"not UTF-8", Msg{Topic: "a\xff"}, ErrTopic},
		{"too long", Msg{Topic: strings.Repeat("a", topic.MaxLen+1)}, ErrTopic},
		{"longest", Msg{Topic: strings.Repeat("a", topic.MaxLen)}, nil},
		{"largest", Msg{Topic: "a", Payload: make([]byte, 1000)}, nil},
		{"too large", Msg{Topic: "a", Payload: make([]byte, 1001)}, ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := b.Publish(t.Context(), test.msg); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestOverload(t *testing.T) {
	b := open(t, Config{MaxPending: 4})
	var refused error
	var pending []*Pending
	for range 5_000 {
		p, err := b.PublishAsync(Msg{Topic: "a"})
		if err != nil {
			refused = err
			break
		}
		pending = append(pending, p)
	}
	for _, p := range pending {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Errorf("Wait: %v", err)
		}
	}
	// A fast server may keep up with a single publisher; being refused is all right, being lost is not.
	if refused != nil && !errors.Is(refused, ErrOverloaded) {
		t.Errorf("refusal: got %v, want %v", refused, ErrOverloaded)
	}
	if _, last, err := b.Bounds(t.Context()); err != nil || last != uint64(len(pending)) {
		t.Errorf("stored: got %d, %v, want %d", last, err, len(pending))
	}
}

func TestCloseAnswersEverybody(t *testing.T) {
	b := open(t, Config{})
	in := subscribe(t, b, 0)
	publish(t, b, Msg{Topic: "a"})
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	await(t, "Done", b.Done())
	await(t, "end of the subscription", in.Done())
	if err := b.Err(); !errors.Is(err, ErrClosed) {
		t.Errorf("Err: got %v, want %v", err, ErrClosed)
	}
	if err := b.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("Ready: got %v, want %v", err, ErrClosed)
	}
	if _, err := b.Publish(t.Context(), Msg{Topic: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Publish: got %v, want %v", err, ErrClosed)
	}
	_ = b.Close() // harmless
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	b := open(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := b.Subscribe(ctx, 0, func(Msg) {})
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	cancel()
	await(t, "Done", s.Done())
	s.Stop()
}

func TestWorkersConnect(t *testing.T) {
	owner := open(t, Config{Listen: true})
	if e := owner.Endpoint(); !strings.HasPrefix(e.URL, "nats://127.0.0.1:") || len(e.Token) < 20 {
		t.Fatalf("endpoint: got %+v, want a loopback address and a token", e)
	}
	worker := connect(t, owner.Endpoint())
	if got, want := worker.Epoch(), owner.Epoch(); got != want || len(got) < 10 {
		t.Errorf("epoch: got %q, want the owner's %q", got, want)
	}
	in := subscribe(t, worker, 0)
	publish(t, owner, Msg{Topic: "a", Payload: []byte("from the owner")})
	publish(t, worker, Msg{Topic: "a", Payload: []byte("from a worker")})
	for _, want := range []string{"from the owner", "from a worker"} {
		if got := in.next(t); string(got.Payload) != want {
			t.Errorf("got %q, want %q", got.Payload, want)
		}
	}
	if _, err := worker.Publish(t.Context(), Msg{Topic: "a", Payload: make([]byte, 100_000)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large payload through a worker: got %v, want %v", err, ErrTooLarge)
	}
	if _, err := Connect(t.Context(), Endpoint{URL: owner.Endpoint().URL, Token: "guess"}); err == nil {
		t.Error("Connect with a wrong token: got no error")
	}
}

func TestNobodyElseConnectsByDefault(t *testing.T) {
	b := open(t, Config{})
	if got := b.Endpoint(); got != (Endpoint{}) {
		t.Errorf("endpoint: got %+v, want none", got)
	}
	if addr := b.server.nats.Addr(); addr != nil {
		t.Errorf("listener: got %v, want none", addr)
	}
}

func TestMemoryStoreLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	b := open(t, Config{})
	in := subscribe(t, b, 0)
	fill(t, b, 100)
	in.next(t)
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("temporary directory: got %v, %v, want it empty", left, err)
	}
	_ = b.Close()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("temporary directory after Close: got %v, %v, want it empty", left, err)
	}
}

func TestOpenErrors(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken")
	open(t, Config{Dir: taken})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listening := open(t, Config{Listen: true})
	var port int
	if _, err := fmt.Sscanf(listening.Endpoint().URL, "nats://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"taken directory", Config{Dir: taken}, []string{taken, fmt.Sprintf("process %d uses it", os.Getpid())}},
		{"directory below a file", Config{Dir: file + "/x"}, []string{file, "not a directory"}},
		{"taken port", Config{Listen: true, Port: port}, []string{fmt.Sprint(port), "in use"}},
		{"nobody there", Config{URLs: []string{"nats://user:secret@127.0.0.1:1"}}, []string{"nats://…@127.0.0.1:1"}},
		{"malformed URL", Config{URLs: []string{"nats://%zz"}}, []string{"malformed URL"}},
		{"both", Config{URLs: []string{"nats://x"}, Dir: taken}, []string{"choose one"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Logger = testLogger(t)
			b, err := Open(t.Context(), test.cfg)
			if err == nil {
				_ = b.Close()
				t.Fatal("got no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to mention %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("got %q, which tells the password", err)
			}
		})
	}
}

func TestUnwritableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "data") // not even root can make a directory below a file
	_, err := Open(t.Context(), Config{Dir: dir, Logger: testLogger(t)})
	if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want not a directory for %s", err, file)
	}
}
