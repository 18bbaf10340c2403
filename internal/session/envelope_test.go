package session

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

// offering are the fields of a handshake that offers subprotocols.
func offering(protocols ...string) []string {
	return append([]string{"Sec-WebSocket-Protocol: " + strings.Join(protocols, ", ")}, upgrade...)
}

// envelope opens a session of tickgate.v1.
func (g *gateway) envelope(target string) *client {
	g.t.Helper()
	return g.dial().open(request(target, offering("tickgate.v1")...), http.StatusSwitchingProtocols)
}

// command sends a command.
func (c *client) command(text string) { c.t.Helper(); c.write(masked(ws.OpText, true, text)) }

// does sends a command and demands the answers.
func (c *client) does(command string, answers ...string) {
	c.t.Helper()
	c.command(command)
	c.hears(answers...)
}

// hears demands texts.
func (c *client) hears(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		c.expect(ws.OpText, want)
	}
}

func msg(topic string, seq int, data string) string {
	return fmt.Sprintf(`{"t":"msg","topic":"%s","id":"e-%d","data":%s}`, topic, seq, data)
}

func TestSubprotocolIsNegotiated(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	for _, tt := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"none offered", upgrade, ""},
		{"offered", offering("tickgate.v1"), "tickgate.v1"},
		{"among others", offering("graphql-ws", "tickgate.v1", "mqtt"), "tickgate.v1"},
		{"in two fields", append([]string{"Sec-WebSocket-Protocol: mqtt"}, offering("tickgate.v1")...), "tickgate.v1"},
		{"another version", offering("tickgate.v2"), ""},
		{"in capitals", offering("Tickgate.V1"), ""},
		{"others only", offering("graphql-ws", "mqtt"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			c := g.dial()
			c.write(request("/ws?topic=ticks&last=0", tt.fields...))
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.Header.Values("Sec-WebSocket-Protocol"); resp.StatusCode != 101 || strings.Join(got, ",") != tt.want {
				t.Errorf("got status %d, subprotocol %q, want 101 and %q", resp.StatusCode, got, tt.want)
			}
			g.subscribed(1)
			g.publish("1")
			if tt.want == "" {
				c.hears("1")
			} else {
				c.hears(msg("ticks", int(g.seq), "1"))
			}
			_ = c.Close()
			g.subscribed(0)
		})
	}
	g.t = t
}

// What is subscribed to in the query comes in envelopes; without a topic there an envelope client begins with nothing.
func TestEnvelopeOfQueryTopics(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	g.send(hub.Publication{Payload: []byte(`{"p":1}`), Event: "trade"})
	g.send(hub.Publication{Topic: "other", Payload: []byte("\xff")})
	named, silent, late := g.envelope("/ws?topic=ticks"), g.envelope("/ws"), g.envelope("/ws?topic=other&since=x-1")
	named.hears(`{"t":"msg","topic":"ticks","id":"e-1","event":"trade","data":{"p":1}}`)
	late.hears(`{"t":"gap","topic":"other","requested":"x-1","oldest":"e-2"}`, `{"t":"msg","topic":"other","id":"e-2","data":"/w==","enc":"base64"}`)
	g.subscribed(2)
	g.publish("2")
	named.hears(msg("ticks", 3, "2"))
	silent.does(`{"t":"unsub","ref":1,"topics":["ticks"]}`, `{"t":"ok","ref":1,"topics":0}`)
}

func TestCommands(t *testing.T) {
	pub, stream := publishing(t, nil)
	g := serve(t, Config{MaxTopics: 4, Publishing: pub}, hub.TopicConfig{Policy: hub.All})
	for n := 1; n <= 3; n++ {
		g.publish(fmt.Sprint(n))
	}
	g.send(hub.Publication{Topic: "fx.EUR", Payload: []byte("text")})
	stream.attach(g) // the next is 5
	c := g.envelope("/ws")
	for _, tt := range []struct {
		command string
		answers []string
	}{
		{`{"t":"sub","ref":1,"topics":["fx.EUR"]}`, []string{`{"t":"ok","ref":1,"topics":1,"id":"e-4"}`}},
		{`{"t":"sub","ref":2,"topics":["fx.EUR","fx.EUR"],"last":1}`, []string{`{"t":"ok","ref":2,"topics":1,"id":"e-4"}`}},
		{`{"t":"sub","ref":3,"topics":["ticks"],"last":2}`, []string{`{"t":"ok","ref":3,"topics":2,"id":"e-4"}`, msg("ticks", 2, "2"), msg("ticks", 3, "3")}},
		{`{"t":"unsub","ref":4,"topics":["ticks","fx.EUR","unknown"]}`, []string{`{"t":"ok","ref":4,"topics":0}`}},
		{`{"t":"sub","ref":5,"topics":["ticks"],"since":"e-2"}`, []string{`{"t":"ok","ref":5,"topics":1}`, msg("ticks", 3, "3")}},
		{`{"t":"sub","ref":6,"topics":["fx.*"],"since":"d-2","last":0}`, []string{
			`{"t":"ok","ref":6,"topics":2}`, `{"t":"gap","topic":"fx.*","requested":"d-2","oldest":"e-4"}`, msg("fx.EUR", 4, `"text"`),
		}},
		{`{"t":"sub","ref":7,"topics":["a","b","c"]}`, []string{`{"t":"error","ref":7,"code":"too_many_topics","message":"5 topics are named, a connection may have 4"}`}},
		{`{"t":"sub","ref":8,"topics":["a","a..b"]}`, []string{`{"t":"error","ref":8,"code":"bad_topic","message":"malformed topic or pattern \"a..b\": it has an empty token"}`}},
		{`{"t":"unsub","ref":9,"topics":["fx.EUR"]}`, []string{`{"t":"ok","ref":9,"topics":2}`}},
		{`{"t":"pub","ref":10,"topic":"chat.1","data":{"n":1},"msgid":"m"}`, []string{`{"t":"ok","ref":10,"id":"e-5","duplicate":false}`}},
		{`{"t":"pub","ref":11,"topic":"chat.1","data":{"n":1},"msgid":"m"}`, []string{`{"t":"ok","ref":11,"id":"e-5","duplicate":true}`}},
		{`{"t":"sub","ref":12,"topics":["chat.1"],"last":1}`, []string{`{"t":"ok","ref":12,"topics":3,"id":"e-5"}`, msg("chat.1", 5, `{"n":1}`)}},
		{`{"t":"pub","ref":13,"topic":"chat.broken","data":1}`, []string{`{"t":"error","ref":13,"code":"unavailable","message":"the stream did not answer"}`}},
		{`{"t":"pub","ref":14,"topic":"price.A","data":1}`, []string{`{"t":"error","ref":14,"code":"forbidden","message":"publishing to \"price.A\" is not granted"}`}},
		{`{"t":"pub","ref":15,"topic":"chat..1","data":1}`, []string{`{"t":"error","ref":15,"code":"bad_topic","message":"it has an empty token"}`}},
		{`{"t":"pub","ref":16,"topic":"chat.1","data":1,"enc":"base64"}`, []string{
			`{"t":"error","ref":16,"code":"bad_command","message":"\"data\" is not a string, as \"enc\" demands: json: cannot unmarshal number into Go value of type string"}`,
		}},
		{`{"t":"auth","ref":17,"token":"x"}`, []string{`{"t":"error","ref":17,"code":"unsupported","message":"this gateway asks for no tokens"}`}},
		{`{"t":"ping","ref":18}`, []string{`{"t":"error","ref":18,"code":"unknown_command","message":"there is no command \"ping\"; there are sub, unsub, pub and auth"}`}},
		{`nonsense`, []string{`{"t":"error","code":"bad_command","message":"the command is not one JSON value"}`}},
		{``, []string{`{"t":"error","code":"bad_command","message":"the command is not one JSON value"}`}},
	} {
		c.does(tt.command, tt.answers...)
	}
	s := g.snapshot()
	if s.Commands != [5]uint64{0, 8, 2, 6, 1} || s.CommandErrors["bad_command"] != 3 || s.CommandErrors["forbidden"] != 1 {
		t.Errorf("got commands %v, errors %v, want each counted", s.Commands, s.CommandErrors)
	}
	if s.Handshakes[Envelope] != 1 || s.Sessions[Envelope][Open] != 1 {
		t.Errorf("got %d handshakes, %d sessions, want one", s.Handshakes[Envelope], s.Sessions[Envelope][Open])
	}
}

// A subscription to a topic that nobody has published to gets its first message.
func TestSubscribeBeforeTheFirstMessage(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.envelope("/ws")
	c.does(`{"t":"sub","ref":1,"topics":["new"]}`, `{"t":"ok","ref":1,"topics":1,"id":"e-0"}`)
	g.send(hub.Publication{Topic: "new", Payload: []byte("1")})
	c.hears(msg("new", 1, "1"))
}

// A message of many commands, frames and segments is one to the gateway; pings in between are answered.
func TestCommandsInSlices(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	g.publish("1")
	const command = `{"t":"sub","ref":1,"topics":["ticks"]}`
	answers := []string{`{"t":"ok","ref":1,"topics":1,"id":"e-1"}`, msg("ticks", 1, "1")}
	t.Run("frames", func(t *testing.T) {
		g.t = t
		c := g.envelope("/ws")
		for i := range command {
			op, last := ws.OpContinuation, i == len(command)-1
			if i == 0 {
				op = ws.OpText
			}
			c.write(masked(op, last, command[i:i+1]))
			if i == 7 {
				c.write(masked(ws.OpPing, true, "p"))
				c.expect(ws.OpPong, "p")
			}
		}
		c.hears(answers...)
	})
	t.Run("segments", func(t *testing.T) {
		g.t = t
		c := g.envelope("/ws")
		for _, b := range []byte(masked(ws.OpText, true, command)) {
			c.write(string([]byte{b}))
		}
		c.hears(answers...)
	})
	t.Run("one segment", func(t *testing.T) {
		g.t = t
		c := g.envelope("/ws")
		c.write(masked(ws.OpText, true, command) + masked(ws.OpText, false, command[:9]) +
			masked(ws.OpContinuation, true, command[9:]) + closing(1000, ""))
		c.hears(answers[0], answers[0])
		if code, _ := c.closeFrame(); code != 1000 {
			t.Errorf("got close code %d, want 1000", code)
		}
	})
	t.Run("behind the handshake", func(t *testing.T) {
		g.t = t
		c := g.dial().open(request("/ws", offering("tickgate.v1")...)+masked(ws.OpText, true, command), 101)
		c.hears(answers...)
	})
	g.t = t
}

// Frames that tickgate.v1 has no place for, and broken ones, end the session with their close code, behind the answers.
func TestEnvelopeCloses(t *testing.T) {
	for _, tt := range []struct {
		name, frames string
		code         uint16
		reason       string
	}{
		{"binary", masked(ws.OpBinary, true, "{}"), 1003, "unsupported_data"},
		{"not UTF-8", masked(ws.OpText, true, "\xff"), 1007, "invalid_data"},
		{"too large", masked(ws.OpText, true, text(1<<10+1)), 1009, "too_big"},
		{"broken", "\xff\xff", 1002, "protocol_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := serve(t, Config{MaxInbound: 1 << 10}, hub.TopicConfig{})
			c := g.envelope("/ws")
			c.write(masked(ws.OpText, true, `{"t":"unsub","ref":1,"topics":["a"]}`) + tt.frames)
			c.hears(`{"t":"ok","ref":1,"topics":0}`)
			if code, reason := c.closeFrame(); code != tt.code {
				t.Errorf("got close %d %q, want %d", code, reason, tt.code)
			}
			_ = c.Close()
			g.eventually("the close", func(s *Snapshot) bool { return s.Closed[tt.reason] == 1 })
		})
	}
}

// A client that was overrun is told of the gap before it is closed.
func TestEnvelopeOverrun(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All})
	c := g.envelope("/ws?topic=ticks")
	g.subscribed(1)
	g.publish("1")
	c.hears(msg("ticks", 1, "1"))
	g.send(hub.Publication{Seq: 9, Payload: []byte("9"), Gap: true})
	c.hears(`{"t":"gap","topic":"ticks","requested":"","oldest":"e-9"}`)
	if code, _ := c.closeFrame(); code != 4008 {
		t.Errorf("got close code %d, want 4008", code)
	}
}

// A client that asks and asks without reading is not read in the end, or closed; either way what waits for it is bounded.
func TestAnswersUnread(t *testing.T) {
	g := serve(t, Config{Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/ws", offering("tickgate.v1")...), 101)
	flood := strings.Repeat(masked(ws.OpText, true, "{}"), 1000)
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for sent, err := 0, error(nil); err == nil; {
		var n int
		n, err = io.WriteString(c, flood)
		if sent += n; sent > 64<<20 {
			t.Fatalf("got %d bytes read from a client that reads nothing, want an end", sent)
		}
		if s := g.snapshot(); s.Loop.UnsentBytes > maxPending {
			t.Fatalf("got %d bytes unsent, want at most %d", s.Loop.UnsentBytes, maxPending)
		} else if s.Closed["answers_unread"] == 1 || s.Sessions[Envelope][Closing] == 1 {
			break
		}
	}
	_ = c.Close()
	g.closed(AnswersUnread, 1)
}

// A client that sends many commands and reads the answers gets all of them.
func TestManyCommandsAtOnce(t *testing.T) {
	const commands = 5000
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.envelope("/ws")
	go func() {
		for n := range commands {
			if _, err := io.WriteString(c, masked(ws.OpText, true, fmt.Sprintf(`{"t":"unsub","ref":%d,"topics":["a"]}`, n))); err != nil {
				return // the test has failed
			}
		}
	}()
	for n := range commands {
		c.hears(fmt.Sprintf(`{"t":"ok","ref":%d,"topics":0}`, n))
	}
}

// A command that is begun has to come to an end, whatever else comes in between.
func TestCommandTimeout(t *testing.T) {
	t.Parallel()
	trial.Grow(t, time.Second, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{CommandTime: unit, Heartbeat: time.Hour}, hub.TopicConfig{})
		slow, quick := g.envelope("/ws"), g.envelope("/ws")
		slow.write(masked(ws.OpText, false, `{"t":`))
		slow.write(masked(ws.OpPing, true, "p"))
		slow.expect(ws.OpPong, "p")
		quick.write(masked(ws.OpText, false, `{"t":"unsub","ref":1,`) + masked(ws.OpContinuation, true, `"topics":["a"]}`))
		quick.hears(`{"t":"ok","ref":1,"topics":0}`)
		if code, reason := slow.closeFrame(); code != 1008 || reason != "the command did not arrive in time" {
			t.Errorf("got close %d %q, want 1008", code, reason)
		}
		_ = slow.Close()
		g.closed(CommandTimeout, 1)
		quick.does(`{"t":"unsub","ref":2,"topics":["a"]}`, `{"t":"ok","ref":2,"topics":0}`)
	})
}

// Commands that come in part are bounded over all clients of a loop.
func TestPartialCommandsAreBounded(t *testing.T) {
	const size = 1 << 20
	g := serve(t, Config{MaxInbound: 2 * size}, hub.TopicConfig{})
	other := g.envelope("/ws")
	var clients []*client
	for range maxPartial/size + 4 {
		c := g.envelope("/ws")
		c.write(masked(ws.OpText, false, strings.Repeat(" ", size)))
		clients = append(clients, c)
	}
	g.eventually("a client turned away", func(s *Snapshot) bool { return s.Closed["overloaded"]+uint64(s.Sessions[Envelope][Closing]) > 0 })
	g.do(func() {
		if g.envelopes.held > maxPartial+2*size {
			t.Errorf("got %d bytes held, want about %d", g.envelopes.held, maxPartial)
		}
	})
	other.does(`{"t":"unsub","ref":1,"topics":["a"]}`, `{"t":"ok","ref":1,"topics":0}`)
	for _, c := range clients {
		_ = c.Close()
	}
}

// Commands count as messages: who sends more than the rate allows gets the answers to those before, and 1008.
func TestCommandsAreRateLimited(t *testing.T) {
	const commands = 50
	g := serve(t, Config{MaxInboundRate: 2}, hub.TopicConfig{}) // ten at once
	c := g.envelope("/ws")
	var all strings.Builder
	for n := range commands {
		all.WriteString(masked(ws.OpText, true, fmt.Sprintf(`{"t":"unsub","ref":%d,"topics":["a"]}`, n)))
	}
	c.write(all.String())
	answered := 0
	f := c.frame()
	for ; f.op == ws.OpText; f = c.frame() {
		if want := fmt.Sprintf(`{"t":"ok","ref":%d,"topics":0}`, answered); f.payload != want {
			t.Fatalf("got %s, want %s", f.payload, want)
		}
		answered++
	}
	if f.op != ws.OpClose || !strings.HasPrefix(f.payload, "\x03\xf0inbound rate") || answered < 10 || answered == commands {
		t.Errorf("got %d answers and %v %q, want ten and 1008", answered, f.op, f.payload)
	}
	_ = c.Close()
	g.closed(InboundRate, 1)
}

// Commands of a client that is reading a large message are answered behind it.
func TestCommandsOfABlockedClient(t *testing.T) {
	g := serve(t, Config{Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/ws?topic=ticks", offering("tickgate.v1")...), 101)
	g.subscribed(1)
	large := text(1 << 20)
	g.publish(large)
	g.blocked(1)
	in := g.snapshot().Loop.BytesIn
	var commands string
	for n := range 20 {
		commands += masked(ws.OpText, true, fmt.Sprintf(`{"t":"unsub","ref":%d,"topics":["a"]}`, n))
	}
	c.write(commands)
	g.eventually("the commands", func(s *Snapshot) bool { return s.Loop.BytesIn == in+uint64(len(commands)) })
	c.hears(msg("ticks", 1, `"`+large+`"`))
	for n := range 20 {
		c.hears(fmt.Sprintf(`{"t":"ok","ref":%d,"topics":1}`, n))
	}
	c.does(`{"t":"unsub","ref":20,"topics":["ticks"]}`, `{"t":"ok","ref":20,"topics":0}`)
}
