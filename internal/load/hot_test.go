package load

import (
	"testing"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// hotLoop returns a loop with an open client that is not really connected: enough to receive.
func hotLoop(t testing.TB, transport Transport, options ...func(*Config)) (*loop, *conn) {
	t.Helper()
	cfg := Config{
		Targets: []Target{{Transport: transport}}, TimeField: "ts", SeqField: "seq", Policy: All,
	}.withDefaults()
	for _, option := range options {
		option(&cfg)
	}
	topics, err := newTopics(&cfg.Subscription)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(&Engine{cfg: cfg, topics: topics, slab: epoll.NewSlab[client](64), stirred: make(chan struct{}, 1)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.ep.Stop(); _ = l.ep.Run() })
	c := new(conn)
	*c.State() = client{phase: open, mark: 1}
	return l, c
}

// framed returns n ticks as they arrive on a transport. Only the number changes from one to the next.
func framed(transport Transport, n int) [][]byte {
	messages := make([][]byte, n)
	for i := range messages {
		payload := []byte(tick(1000 + i))
		if transport == WebSocket {
			messages[i] = wire.AppendFrame(nil, wire.OpText, payload)
		} else {
			messages[i] = wire.AppendSSEEvent(nil, "18f3a2b4c5d6-1000", "", payload)
		}
	}
	return messages
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	for _, transport := range []Transport{WebSocket, SSE} {
		l, c := hotLoop(t, transport)
		messages := framed(transport, 1101)
		i := 0
		if n := testing.AllocsPerRun(1000, func() {
			if used := l.OnData(c, messages[i]); used != len(messages[i]) {
				t.Fatalf("consumed %d of %d bytes", used, len(messages[i]))
			}
			i++
		}); n != 0 {
			t.Errorf("%v: got %v allocations a message, want 0", transport, n)
		}
		if sum := l.tallies[transport]; sum.Messages != int64(i) || sum.Lost+sum.Untimed+sum.Untracked != 0 {
			t.Errorf("%v: got %+v, want %d messages and nothing else", transport, sum, i)
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, transport := range []Transport{WebSocket, SSE} {
		b.Run(transport.String(), func(b *testing.B) {
			l, c := hotLoop(b, transport)
			messages := framed(transport, 1024)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				l.OnData(c, messages[i%len(messages)])
			}
		})
	}
}

// Every message goes to a thousand clients, one after the other, as in a swarm.
func BenchmarkReceiveByMany(b *testing.B) {
	for _, transport := range []Transport{WebSocket, SSE} {
		b.Run(transport.String(), func(b *testing.B) {
			l, _ := hotLoop(b, transport)
			clients := make([]conn, 1000)
			for i := range clients {
				*clients[i].State() = client{phase: open, mark: 1, index: uint32(i)}
			}
			messages := framed(transport, 1024)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				l.OnData(&clients[i%len(clients)], messages[i/len(clients)%len(messages)])
			}
		})
	}
}

func BenchmarkFields(b *testing.B) {
	doc := []byte(tick(123456))
	seq, ts := newField("seq"), newField("ts")
	b.ReportAllocs()
	for b.Loop() {
		seq.sequence(doc)
		ts.instant(doc)
	}
}
