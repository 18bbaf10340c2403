package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// TestChurn lets many clients come, do something at random, well-behaved or not, and leave, while messages are
// published. Whoever reads sees them in order; afterwards the books must balance.
func TestChurn(t *testing.T) {
	const workers, rounds = 16, 25
	for _, policy := range policies {
		t.Run(policy.String(), func(t *testing.T) {
			g := serve(t, Config{Sockets: tight, HandshakeBacklog: 4, Echo: true}, hub.TopicConfig{Policy: policy, RingSize: 64})
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for n := 1; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(100 * time.Microsecond):
						g.publish(fmt.Sprintf("%d %s", n, text(n%4000)))
					}
				}
			}()
			var clients sync.WaitGroup
			for w := range workers {
				clients.Go(func() {
					random := rand.New(rand.NewPCG(uint64(w), uint64(policy)))
					for range rounds {
						visit(g, random)
					}
				})
			}
			clients.Wait()
			g.do(func() {}) // the loop is alive
			close(stop)
			await(t, stopped, "the publisher's end")
			s := g.snapshot()
			if s.Handshakes[WebSocket] == 0 || s.Handshakes[SSE] == 0 || s.Handshakes[Echo] == 0 || len(s.Refused) == 0 {
				t.Errorf("got handshakes %v, refusals %v, want some of each", s.Handshakes, s.Refused)
			}
		})
	}
}

// visit is one client's life. It ends with a close, or with a reset.
func visit(g *gateway, random *rand.Rand) {
	c := g.sleeper()
	defer c.Close() //nolint:errcheck // the test is about the other side
	if random.IntN(3) == 0 {
		_ = c.SetLinger(0)
	}
	switch random.IntN(8) {
	case 0: // says nothing
	case 1:
		c.write(request("/sse")[:1+random.IntN(30)])
	case 2:
		c.write("garbage\r\n\r\n")
		c.rest()
	case 3: // never reads
		c.write(request("/ws", upgrade...) + masked(ws.OpPing, true, "p"))
		g.do(func() {})
	case 4:
		c.open(request("/ws?last=20", upgrade...), 101)
		inOrder(c, 1+random.IntN(40), c.nextFrame)
		c.write(closing(1000, ""))
	case 5:
		c.open(request("/sse", fmt.Sprintf("Last-Event-ID: e-%d", random.IntN(200))), 200)
		inOrder(c, 1+random.IntN(40), c.nextEvent)
	case 6:
		c.open(request("/ws", upgrade...), 101)
		c.write(masked(0x3, true, "")) // reserved
		c.closeFrame()
	case 7:
		c.open(request("/echo", upgrade...), 101)
		c.write(masked(ws.OpText, true, text(20_000)) + closing(1000, ""))
		c.closeFrame()
	}
}

// inOrder reads up to n messages and checks that their numbers ascend.
func inOrder(c *client, n int, next func() (payload string, ok bool)) {
	c.t.Helper()
	last := 0
	for range n {
		payload, ok := next()
		if !ok {
			return // overrun
		}
		var number int
		if _, err := fmt.Sscan(payload, &number); err != nil || number <= last {
			c.t.Errorf("got %.20q after message %d, want a later one", payload, last)
			return
		}
		last = number
	}
}

// nextFrame reads a message; there is none behind a close frame.
func (c *client) nextFrame() (payload string, ok bool) {
	f := c.frame()
	return f.payload, f.op == ws.OpText
}

// nextEvent skips what is not a message; there is none at the end of the stream.
func (c *client) nextEvent() (payload string, ok bool) {
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return "", false
		}
		if data, isData := strings.CutPrefix(line, "data: "); isData && !strings.HasPrefix(data, `{"requested"`) {
			return data, true
		}
	}
}
