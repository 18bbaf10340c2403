package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

// beatEvery is a heartbeat that tests can wait for, and still long enough for a client on a busy machine to answer in
// time; the loop's clock ticks every 100 ms.
const beatEvery = time.Second

// An idle client is pinged. While it answers, with whatever, it stays; when it does not, it is let go.
func TestPings(t *testing.T) {
	t.Parallel()
	trial.Grow(t, beatEvery, func(t testing.TB, beat time.Duration) {
		g := serve(t, Config{Heartbeat: beat}, hub.TopicConfig{})
		pong, talker, mute := g.ws("/ws"), g.ws("/ws"), g.ws("/ws")
		for range 2 {
			pong.expect(ws.OpPing, "tickgate")
			pong.write(masked(ws.OpPong, true, "tickgate"))
			talker.expect(ws.OpPing, "tickgate")
			talker.write(masked(ws.OpText, true, "anything will do"))
		}
		g.closed(PingTimeout, 1)
		mute.expect(ws.OpPing, "tickgate")
		if _, err := mute.r.ReadByte(); err == nil {
			t.Error("after the unanswered ping: got more, want the end")
		}
		if got := g.snapshot().Sessions[WebSocket][Open]; got != 2 {
			t.Errorf("got %d sessions open, want those that answer", got)
		}
	})
}

// A connection on which something flows, either way, is not pinged.
func TestNoPingsWhileMessagesFlow(t *testing.T) {
	t.Parallel()
	trial.Grow(t, beatEvery, func(t testing.TB, beat time.Duration) {
		g := serve(t, Config{Heartbeat: beat}, hub.TopicConfig{})
		g.send(hub.Publication{Topic: "quiet"})
		listener, stream, talker := g.ws("/ws"), g.sse("/sse"), g.ws("/ws?topic=quiet&last=0")
		g.subscribed(3)
		for start := time.Now(); time.Since(start) < beat*3/2; time.Sleep(beat / 20) {
			g.publish("tick")
			talker.write(masked(ws.OpText, true, "tack"))
			listener.expect(ws.OpText, "tick")
			stream.event(fmt.Sprintf("id: e-%d\ndata: tick\n", g.seq))
		}
		talker.write(masked(ws.OpPing, true, "mine"))
		talker.expect(ws.OpPong, "mine")
		listener.expect(ws.OpPing, "tickgate") // it is silent now
	})
}

// A client whose socket is full is not pinged: the ping would wait behind the message, and its answer could not come in
// time.
func TestNoPingsToABlockedClient(t *testing.T) {
	t.Parallel()
	trial.Grow(t, beatEvery, func(t testing.TB, beat time.Duration) {
		g := serve(t, Config{Sockets: tight, Heartbeat: beat}, hub.TopicConfig{})
		c := g.sleeper().open(request("/ws", upgrade...), 101)
		g.subscribed(1)
		g.publish(text(256 << 10))
		g.blocked(1)
		for start := time.Now(); time.Since(start) < beat*3/2; time.Sleep(beat / 20) {
			if got := g.snapshot().Loop.BlockedConns; got != 1 {
				t.Fatalf("got %d blocked, want the client", got)
			}
		}
		c.write(masked(ws.OpPing, true, "mine"))
		c.expect(ws.OpText, text(256<<10))
		c.expect(ws.OpPong, "mine")
		c.expect(ws.OpPing, "tickgate") // it is silent now
	})
}

// The time for a pong is not cut short by a write timeout that is shorter.
func TestPongTimeIsNotCutShort(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 700*time.Millisecond, func(t testing.TB, heartbeat time.Duration) {
		g := serve(t, Config{Heartbeat: heartbeat, WriteTimeout: heartbeat / 4}, hub.TopicConfig{})
		c := g.ws("/ws")
		c.expect(ws.OpPing, "tickgate")
		pinged := time.Now()
		g.closed(PingTimeout, 1)
		if took := time.Since(pinged); took < heartbeat-2*100*time.Millisecond {
			t.Errorf("got the end %v after the ping, want about %v", took, heartbeat)
		}
	})
}

// Without a heartbeat nobody is pinged.
func TestNoHeartbeat(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	g.ws("/ws")
	g.subscribed(1)
	g.do(func() {
		g.epoll.Each(func(c *conn) {
			g.OnTimer(c) // as after an hour
			if c.State().pinged || g.epoll.SinceWrite(c) < 0 {
				t.Error("got a ping, want none")
			}
		})
	})
}
