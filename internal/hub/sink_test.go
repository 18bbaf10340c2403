package hub

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// recorder is a sink that remembers what every connection got, in the order of delivery.
type recorder struct {
	tb       testing.TB
	got      map[int32][]uint64 // sequences by connection
	order    []int32            // connections in the order of delivery
	outcome  map[int32]Delivery // what becomes of deliveries to a connection; Delivered if absent
	overruns []int32
	calls    int
	onSend   func(m *Message, conns []int32) // called first, if set
	onOver   func(conn int32)
}

func newRecorder(tb testing.TB) *recorder {
	return &recorder{tb: tb, got: map[int32][]uint64{}, outcome: map[int32]Delivery{}}
}

func (r *recorder) SendMany(m *Message, conns []int32, out []Delivery) {
	r.calls++
	if len(conns) != len(out) || len(conns) == 0 {
		r.tb.Fatalf("SendMany: got %d conns and %d outcomes", len(conns), len(out))
	}
	if r.onSend != nil {
		r.onSend(m, conns)
	}
	for i, c := range conns {
		out[i] = r.outcome[c]
		if out[i] == Delivered {
			r.got[c] = append(r.got[c], m.Seq())
			r.order = append(r.order, c)
		}
	}
}

func (r *recorder) Overrun(conn int32, _ *Topic) {
	r.overruns = append(r.overruns, conn)
	if r.onOver != nil {
		r.onOver(conn)
	}
}

func (r *recorder) want(conn int32, seqs ...uint64) {
	r.tb.Helper()
	if got := r.got[conn]; !slices.Equal(got, seqs) {
		r.tb.Errorf("conn %d: got messages %v, want %v", conn, got, seqs)
	}
}

// bench is a hub with one topic and one fan-out, and a publisher that counts.
type bench struct {
	*recorder
	hub    *Hub
	topic  *Topic
	fanout *Fanout
	kicks  int
	seq    uint64
}

func newBench(tb testing.TB, cfg TopicConfig) *bench {
	b := &bench{recorder: newRecorder(tb)}
	b.hub = New(Config{Epoch: "e1", Topic: func(string) TopicConfig { return cfg }})
	b.topic = b.hub.Topic("price.ACME")
	b.fanout = NewFanout(FanoutConfig{Sink: b, Kick: func() { b.kicks++ }, Seed: 1})
	return b
}

func (b *bench) publish(n int) {
	for range n {
		b.seq++
		b.publishTo(b.topic.Name(), b.seq)
	}
}

func (b *bench) publishTo(topic string, seq uint64) {
	b.tb.Helper()
	p := Publication{Seq: seq, Topic: topic, Payload: fmt.Appendf(nil, `{"seq":%d}`, seq), Time: time.Unix(0, int64(seq))}
	if !b.hub.Publish(p) {
		b.tb.Fatalf("Publish(%d): got false, want true", seq)
	}
}

// join subscribes n connections, numbered from first on, to what comes next.
func (b *bench) join(first int32, n int) []SubID {
	ids := make([]SubID, n)
	for i := range ids {
		ids[i] = b.fanout.Subscribe(0, first+int32(i), b.topic, b.topic.Last(0))
	}
	return ids
}

// drain works until nothing is left.
func (b *bench) drain() {
	b.tb.Helper()
	for i := 0; b.fanout.Work(64); i++ {
		if i == 1_000_000 {
			b.tb.Fatal("Work: still more after 1,000,000 calls")
		}
	}
}
