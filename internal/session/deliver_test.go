package session

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

// audience is many clients of one loop, a third of them in each format, and a message for them.
type audience struct {
	*gateway
	clients []*client
	message *hub.Message
	conns   []int32
	out     []hub.Delivery
}

func newAudience(t testing.TB, n int) *audience {
	t.Helper()
	a := &audience{gateway: serve(t, Config{}, hub.TopicConfig{})}
	for i := range n {
		switch i % 3 {
		case 0:
			a.clients = append(a.clients, a.ws("/ws"))
		case 1:
			a.clients = append(a.clients, a.sse("/sse"))
		case 2:
			a.clients = append(a.clients, a.envelope("/ws?topic=ticks"))
		}
	}
	a.subscribed(n)
	a.publish(`{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`)
	a.eventually("delivery", func(s *Snapshot) bool { return s.Fanout.Delivered == uint64(n) })
	topic := a.hub.Topic("ticks")
	a.message = topic.At(topic.Head())
	a.do(func() {
		a.epoll.Each(func(c *conn) { a.conns = append(a.conns, c.FD()) })
	})
	a.out = make([]hub.Delivery, n)
	return a
}

// batch is as many connections as the hub hands over at a time.
const batch = 256

// deliver sends the message to everybody. Event loop only.
func (a *audience) deliver() {
	for i := 0; i < len(a.conns); i += batch {
		end := min(i+batch, len(a.conns))
		a.SendMany(a.message, a.conns[i:end], a.out[i:end])
	}
}

// read throws away what has arrived at the clients.
func (a *audience) read() {
	a.t.Helper()
	buf := make([]byte, 64<<10)
	for _, c := range a.clients {
		raw, err := c.SyscallConn()
		if err != nil {
			a.t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			_, _, _ = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		}); err != nil {
			a.t.Fatal(err)
		}
	}
}

// The gate beside BenchmarkSendMany: a delivery allocates nothing.
func TestSendManyDoesNotAllocate(t *testing.T) {
	a := newAudience(t, 100)
	var allocs float64
	a.do(func() { allocs = testing.AllocsPerRun(50, a.deliver) })
	if allocs != 0 {
		t.Errorf("got %v allocations for %d deliveries, want none", allocs, len(a.conns))
	}
	for i, d := range a.out {
		if d != hub.Delivered {
			t.Errorf("connection %d: got delivery %d, want delivered", a.conns[i], d)
		}
	}
}

// From the publication to the sockets, what is allocated does not depend on how many clients there are.
func TestPublishingAllocatesPerMessageOnly(t *testing.T) {
	var allocs [2]float64
	for i, n := range []int{3, 100} {
		a := newAudience(t, n)
		a.do(func() {
			allocs[i] = testing.AllocsPerRun(50, func() {
				a.publish("tick")
				for a.OnWork(256) {
				}
			})
		})
		a.eventually("all deliveries", func(s *Snapshot) bool { return s.Fanout.Delivered == uint64(52*n) })
	}
	if allocs[0] != allocs[1] {
		t.Errorf("got %v allocations a message for 3 clients and %v for 100, want as many", allocs[0], allocs[1])
	}
}

// Connections that are gone or closing take nothing, and stop nobody else's delivery.
func TestSendManyBesideTheDead(t *testing.T) {
	a := newAudience(t, 4)
	a.do(func() {
		a.epoll.Reset(a.epoll.At(a.conns[1]), PingTimeout)
		a.close(a.epoll.At(a.conns[2]), Restart)
		a.deliver()
	})
	for i, want := range []hub.Delivery{hub.Delivered, hub.Gone, hub.Gone, hub.Delivered} {
		if a.out[i] != want {
			t.Errorf("connection %d: got delivery %d, want %d", i, a.out[i], want)
		}
	}
	a.subscribed(2)
}

// BenchmarkSendMany sends one message to 1,000 clients on loopback, in turns through the session and past it, so that
// both meet the same machine.
func BenchmarkSendMany(b *testing.B) {
	a := newAudience(b, 1000)
	frame, status := a.message.Frame(hub.SSE), make([]epoll.Status, len(a.conns))
	bare := func() { a.epoll.SendMany(frame, a.conns, status) }
	var took [2]time.Duration
	for range b.N {
		for i, send := range []func(){a.deliver, bare} {
			a.do(func() {
				began := a.epoll.Stats().Busy // processor time, whatever else the machine does
				send()
				took[i] += a.epoll.Stats().Busy - began
			})
			a.read()
		}
	}
	b.ReportMetric(float64(took[0].Nanoseconds())/float64(b.N*len(a.conns)), "ns/delivery")
	b.ReportMetric(float64(took[0])/float64(took[1]), "x/epoll")
}
