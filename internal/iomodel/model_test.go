package iomodel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/trial"
	"tickgate/internal/wire"
)

func TestBothTransportsGetEveryTick(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, nil)
		var streams, sockets []*peer
		for range 20 {
			streams, sockets = append(streams, g.sse(t)), append(sockets, g.ws(t))
		}
		g.opened(t, "sse", 20)
		g.opened(t, "ws", 20)
		const ticks = 50
		for i := range ticks {
			m := g.publish(fmt.Sprintf(`{"n":%d}`, i))
			for j := range streams {
				streams[j].expect("event", m.Frame(hub.SSE))
				sockets[j].expect("message", m.Frame(hub.RawWS))
			}
		}
		const want = ticks * 40
		eventually(t, "all deliveries counted", func() bool { return g.server().Snapshot().Deliveries == want })
		s := g.server().Snapshot()
		if s.Skipped != 0 || s.Accepts != 40 || g.server().Open() != 40 {
			t.Errorf("got %d skipped, %d accepts, %d open, want 0, 40, 40", s.Skipped, s.Accepts, g.server().Open())
		}
		for _, c := range s.Connections {
			want := 0
			if c.State == "open" && c.Transport != "http" {
				want = 20
			}
			if c.N != want {
				t.Errorf("connections of %s in %s: got %d, want %d", c.Transport, c.State, c.N, want)
			}
		}
	})
}

// TestSlowClientDelaysNobody has one client that does not read while others get every message. When it reads again, it
// gets the newest message without another one being published.
func TestSlowClientDelaysNobody(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, func(c *Config) { c.SndBuf = 16 << 10 })
		first := g.publish("first")
		slow := g.dial(t, 4<<10)
		slow.send(upgrade)
		slow.switched()
		stream, socket := g.sse(t), g.ws(t)
		stream.expect("first event", first.Frame(hub.SSE))
		for _, p := range []*peer{slow, socket} {
			p.expect("first message", first.Frame(hub.RawWS))
		}
		const ticks = 60
		payload := strings.Repeat("x", 16<<10)
		for i := range ticks {
			m := g.publish(fmt.Sprintf("%02d%s", i, payload))
			stream.expect("event", m.Frame(hub.SSE))
			socket.expect("message", m.Frame(hub.RawWS))
		}
		got, newest := 0, ""
		for newest < fmt.Sprint(ticks-1) {
			newest = string(slow.read(2 + 2 + 2 + len(payload))[4:6])
			got++
		}
		if got >= ticks/2 {
			t.Errorf("slow client: got %d messages, want it to have skipped most of %d", got, ticks)
		}
		eventually(t, "skips counted", func() bool { return g.server().Snapshot().Skipped == uint64(ticks-got) })
	})
}

func TestEvictsWhoDoesNotRead(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, func(c *Config) { c.SndBuf, c.WriteTimeout = 16<<10, 200*time.Millisecond })
		for _, request := range []string{upgrade, "GET /sse HTTP/1.1\nHost: x\n\n"} {
			g.dial(t, 4<<10).send(request)
		}
		g.opened(t, "ws", 1)
		g.opened(t, "sse", 1)
		payload := strings.Repeat("x", 32<<10)
		eventually(t, "evicted", func() bool {
			g.publish(payload)
			return g.server().Snapshot().Closes["write_timeout"] == 2 && g.server().Open() == 0
		})
	})
}

func TestRefusesBeyondMaxConns(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, func(c *Config) { c.MaxConns = 2 })
		stream, _ := g.sse(t), g.ws(t)
		for _, request := range []string{"GET /sse HTTP/1.1\nHost: x\n\n", upgrade} {
			p := g.dial(t, 0)
			p.send(request)
			head, body := p.head(), string(p.rest())
			if !strings.HasPrefix(head, "HTTP/1.1 503 Service Unavailable\r\n") || !strings.Contains(head, "\r\nRetry-After: ") {
				t.Errorf("got %q, want 503 with Retry-After", head)
			}
			if want := `{"error":"at_capacity","message":"the server is full"}` + "\n"; body != want {
				t.Errorf("got body %q, want %q", body, want)
			}
		}
		if got := g.server().Snapshot().Refusals["at_capacity"]; got != 2 {
			t.Errorf("refusals: got %d, want 2", got)
		}
		_ = stream.Close()
		eventually(t, "room again", func() bool { return g.server().Snapshot().Closes["peer_closed"] == 1 })
		g.sse(t)
	})
}

func TestTimeouts(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		trial.Grow(t, 100*time.Millisecond, func(t testing.TB, unit time.Duration) {
			g := start(t, kind, func(c *Config) { c.HeaderTimeout, c.Heartbeat = unit, unit })
			silent := g.dial(t, 0)
			silent.send("GET /sse HTTP/1.1\n")
			stream, answering, deaf := g.sse(t), g.ws(t), g.ws(t)
			silent.rest()
			for range 3 {
				stream.expect("heartbeat", wire.AppendSSEComment(nil, ""))
				answering.expect("ping", wire.AppendPing(nil, heartbeatPing))
				answering.frame(wire.OpPong, string(heartbeatPing))
			}
			deaf.expect("ping", wire.AppendPing(nil, heartbeatPing))
			deaf.rest()
			eventually(t, "ping timeout counted", func() bool { return g.server().Snapshot().Closes["ping_timeout"] > 0 })
		})
	})
}

func TestHeaderLimit(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, func(c *Config) { c.HeaderBytes = 1 << 10 })
		p := g.dial(t, 0)
		p.send("GET /sse HTTP/1.1\nHost: x\nX-Long: " + strings.Repeat("x", 8<<10) + "\n\n")
		line, err := p.r.ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 431 ") {
			t.Errorf("got %q (%v), want status 431", line, err)
		}
	})
}

func TestDrainIsPaced(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		trial.Grow(t, 400*time.Millisecond, func(t testing.TB, length time.Duration) {
			g := start(t, kind, nil)
			const clients = 40
			left := make(chan time.Time, clients)
			for range clients {
				p := g.sse(t)
				go func() {
					p.rest()
					left <- time.Now()
				}()
			}
			began := time.Now()
			g.Drain(length)
			var early, late int
			for range clients {
				if at := (<-left).Sub(began); at < length/2 {
					early++
				} else {
					late++
				}
			}
			if early < clients/8 || late < clients/8 {
				t.Errorf("got %d closed in the first half and %d later, want them spread", early, late)
			}
			eventually(t, "all gone", func() bool { return g.server().Open() == 0 })
			if got := g.server().Snapshot().Closes["restart"]; got != clients {
				t.Errorf("closes for restart: got %d, want %d", got, clients)
			}
			refusesNewcomers(t, g)
		})
	})
}

// TestDrainEndsWhoDoesNotRead has clients that take no farewell.
func TestDrainEndsWhoDoesNotRead(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		g := start(t, kind, func(c *Config) { c.SndBuf, c.Linger = 16<<10, 200*time.Millisecond })
		for _, request := range []string{upgrade, "GET /sse HTTP/1.1\nHost: x\n\n"} {
			g.dial(t, 4<<10).send(request)
		}
		g.opened(t, "ws", 1)
		g.opened(t, "sse", 1)
		payload := strings.Repeat("x", 32<<10)
		eventually(t, "two full sockets", func() bool {
			sent := g.publish(payload).Pos()
			return sent > 2*g.server().Snapshot().Deliveries+20
		})
		g.Drain(50 * time.Millisecond)
		eventually(t, "all gone", func() bool { return g.server().Open() == 0 })
	})
}

// refusesNewcomers expects a draining server to answer 503, or not to listen any more.
func refusesNewcomers(t testing.TB, g *gateway) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + g.addr + "/sse")
	if errors.Is(err, syscall.ECONNREFUSED) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while draining: got status %d, want 503", resp.StatusCode)
	}
}

// TestStop leaves nothing behind, whatever the clients are doing.
func TestStop(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		before := descriptors(t)
		g := start(t, kind, nil)
		stream, socket := g.sse(t), g.ws(t)
		g.dial(t, 0).send("GET /ws HT")
		g.opened(t, "ws", 1)
		eventually(t, "three connections", func() bool { return g.server().Open() == 3 })
		if err := g.stop(); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
		stream.rest()
		socket.rest()
		eventually(t, "all counted out", func() bool { return g.server().Open() == 0 })
		if got := g.server().Snapshot().Closes["stopped"]; got < 2 {
			t.Errorf("closes by the stop: got %d, want the open sessions", got)
		}
		g.publish("to nobody")
		const mine = 4 // the reservation and three clients
		eventually(t, "descriptors closed", func() bool { return descriptors(t) <= before+mine })
	})
}

func TestStopBeforeRun(t *testing.T) {
	eachModel(t, func(t *testing.T, kind string) {
		h := hub.New(hub.Config{Epoch: "e"})
		s, err := New(kind, testConfig(h))
		if err != nil {
			t.Fatal(err)
		}
		port, err := net.Listen("tcp", "127.0.0.1:0") // a port in use
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = port.Close() }()
		if err := s.Listen(port.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("Listen on a port in use: got %v, want EADDRINUSE", err)
		}
		g := start(t, kind, nil) // whose Run may come after Stop
		if err := g.stop(); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
}

// TestEngineEndsByItself is about what gnet does when an accept fails.
func TestEngineEndsByItself(t *testing.T) {
	port, err := epoll.Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = port.Close() }()
	e := newEngine(newCore(testConfig(hub.New(hub.Config{}))))
	if err := e.Listen(port.Addr.String()); err != nil {
		t.Fatal(err)
	}
	if err := e.gnet.Stop(atOnce()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := e.Run(); !errors.Is(err, errEnded) {
		t.Errorf("Run: got %v, want %v", err, errEnded)
	}
}

func TestGnetNeedsPort(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "nonsense"} {
		s, err := New(Gnet, testConfig(hub.New(hub.Config{})))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(addr); !errors.Is(err, errPort) {
			t.Errorf("Listen(%q): got %v, want %v", addr, err, errPort)
		}
	}
}

func TestUnknownModel(t *testing.T) {
	if _, err := New("threads", testConfig(hub.New(hub.Config{}))); err == nil {
		t.Error("New(threads): got no error")
	}
}
