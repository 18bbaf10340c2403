package e2e

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// cable leads a client to the gateway that is there at the moment, and can break. Safe for concurrent use.
type cable struct {
	net.Listener
	behind atomic.Pointer[string] // host:port

	mu     sync.Mutex
	ends   []net.Conn // guarded by mu: both ends of all connections
	left   int        // guarded by mu: bytes of the gateway until all connections break; negative: they do not
	breaks int        // guarded by mu: how often they did
}

// newCable returns a cable that breaks once after so many bytes of the gateway, in the middle of whatever is sent; not at all if that is negative.
func newCable(t testing.TB, behind string, breakAfter int) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: listener, left: breakAfter}
	c.behind.Store(&behind)
	t.Cleanup(func() {
		_ = listener.Close()
		c.breakNow()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go c.carry(client)
		}
	}()
	return c
}

func (c *cable) carry(client net.Conn) {
	server, err := net.Dial("tcp", *c.behind.Load())
	if err != nil {
		_ = client.Close()
		return
	}
	c.mu.Lock()
	c.ends = append(c.ends, client, server)
	c.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(cut{client, c}, server)
	_ = client.Close()
}

// breakNow resets all connections.
func (c *cable) breakNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.ends {
		_ = end.(*net.TCPConn).SetLinger(0) // fails for one that is closed already
		_ = end.Close()
	}
	c.ends = nil
	c.breaks++
}

// broke reports how often the cable has broken.
func (c *cable) broke() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.breaks
}

// allow returns how many of n bytes may pass, and whether the cable breaks behind them.
func (c *cable) allow(n int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 || n < c.left {
		if c.left >= 0 {
			c.left -= n
		}
		return n, false
	}
	n, c.left = c.left, -1
	return n, true
}

// cut writes to the client until the cable breaks.
type cut struct {
	client net.Conn
	*cable
}

func (c cut) Write(p []byte) (int, error) {
	n, breaks := c.allow(len(p))
	written, err := c.client.Write(p[:n])
	if breaks {
		c.breakNow()
	}
	return written, err
}
