package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const wait = time.Minute

// serve runs a server until the test ends and returns its address and, after the end, what it did.
func serve(t *testing.T, cfg Config) (addr string, end func() Stats) {
	t.Helper()
	cfg.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan Stats, 1)
	go func() {
		stats, err := s.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		done <- stats
		close(done)
	}()
	end = func() Stats { cancel(); return <-done }
	t.Cleanup(func() { end() })
	return s.Addr.String(), end
}

// request connects, sends a request head and returns the answer's head and what follows it.
func request(t *testing.T, addr, head string) (net.Conn, []string, *bufio.Reader) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, wait)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			return c, lines, r
		}
		lines = append(lines, strings.TrimSpace(line))
	}
}

type tick struct {
	Sym   string
	Price float64
	Seq   uint64
	TS    int64
}

func parse(t *testing.T, payload string) (got tick) {
	t.Helper()
	if err := json.Unmarshal([]byte(payload), &got); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	if age := time.Since(time.Unix(0, got.TS)); got.Sym == "" || got.Price == 0 || age < 0 || age > wait {
		t.Errorf("got %+v, %s old, want a recent tick", got, age)
	}
	return got
}

func TestWebSocketClientsGetTicks(t *testing.T) {
	for _, size := range []int{0, 125, 126, 1000} {
		addr, end := serve(t, Config{Interval: 10 * time.Millisecond, Payload: size})
		c, head, r := request(t, addr, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"sec-websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
		if got, want := strings.Join(head, "\n"), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; !strings.Contains(got, want) ||
			head[0] != "HTTP/1.1 101 Switching Protocols" {
			t.Errorf("got %q, want 101 with %q (RFC 6455 §1.3)", got, want)
		}
		var last uint64
		for range 3 {
			got := parse(t, readFrame(t, r, size))
			if last != 0 && got.Seq != last+1 {
				t.Errorf("got tick %d after %d, want the next one", got.Seq, last)
			}
			last = got.Seq
		}
		if _, err := c.Write([]byte{0x88, 0x80, 1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(r)
		if err != nil || !strings.HasSuffix(string(rest), "\x88\x00") {
			t.Errorf("got %q, %v, want an end with a close frame", rest, err)
		}
		if got := end(); got.Accepted != 1 || got.Delivered < 3 || got.Dropped != 0 {
			t.Errorf("got %+v, want one client with at least three messages", got)
		}
	}
}

// readFrame returns the payload of an unmasked text frame, which has at least size bytes.
func readFrame(t *testing.T, r io.Reader, size int) string {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil || head[0] != 0x81 {
		t.Fatalf("got %x, %v, want a text frame", head, err)
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		n = int(head[0])<<8 | int(head[1])
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	if n < size || size > 100 && n != size {
		t.Errorf("got %d bytes, want %d", n, size)
	}
	return string(payload)
}

func TestEventStreamClientsGetTicks(t *testing.T) {
	addr, _ := serve(t, Config{Interval: 10 * time.Millisecond})
	_, head, r := request(t, addr, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	if head[0] != "HTTP/1.1 200 OK" {
		t.Errorf("got %q, want 200", head[0])
	}
	var ids, ticks int
	for ids < 3 || ticks < 3 {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "id: floor-") {
			ids++
		}
		if payload, ok := strings.CutPrefix(line, "data: "); ok {
			parse(t, payload)
			ticks++
		}
	}
}

func TestEverybodyGetsEveryTick(t *testing.T) {
	addr, _ := serve(t, Config{Interval: 10 * time.Millisecond})
	const clients = 30
	readers := make([]*bufio.Reader, clients)
	conns := make([]net.Conn, clients)
	for i := range clients {
		conns[i], _, readers[i] = request(t, addr, "GET / HTTP/1.1\r\n\r\n")
	}
	for i, c := range conns { // leaving in the middle moves others to another place
		if i%3 == 0 {
			_ = c.Close()
			continue
		}
		var last uint64
		for ticks := 0; ticks < 3; {
			line, err := readers[i].ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			payload, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			got := parse(t, payload)
			if last != 0 && got.Seq != last+1 {
				t.Errorf("client %d: got tick %d after %d, want the next one", i, got.Seq, last)
			}
			last = got.Seq
			ticks++
		}
	}
}

func TestOtherBytesEndTheConnection(t *testing.T) {
	addr, _ := serve(t, Config{})
	c, err := net.DialTimeout("tcp", addr, wait)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(wait))
	if _, err := io.WriteString(c, "half a head"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || len(b) != 0 {
		t.Errorf("got %q, %v, want an end", b, err)
	}
}

func TestAddressInUse(t *testing.T) {
	addr, _ := serve(t, Config{})
	if _, err := New(Config{Listen: netip.MustParseAddrPort(addr)}); err == nil {
		t.Error("got no error, want one")
	}
}
