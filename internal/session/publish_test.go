package session

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/hub"
)

// Nobody publishes unless somebody said who may.
func TestPublishingIsOffByDefault(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	g.envelope("/ws").does(`{"t":"pub","ref":1,"topic":"a","data":1}`, `{"t":"error","ref":1,"code":"forbidden","message":"clients may not publish here"}`)
}

// The messages of a connection that are on their way are bounded, and the loop does not wait for them.
func TestPublishersAreBounded(t *testing.T) {
	hold := make(chan struct{})
	pub, stream := publishing(t, hold)
	pub.MaxFlying = 3
	g := serve(t, Config{Publishing: pub}, hub.TopicConfig{Policy: hub.All})
	stream.attach(g)
	c := g.envelope("/ws")
	for n := range 3 {
		c.command(fmt.Sprintf(`{"t":"pub","ref":%d,"topic":"chat.1","data":%d}`, n, n))
	}
	c.does(`{"t":"pub","ref":3,"topic":"chat.1","data":3}`, `{"t":"error","ref":3,"code":"busy","message":"3 messages of this connection are on their way; wait for an answer"}`)
	c.does(`{"t":"sub","ref":4,"topics":["chat.1"]}`, `{"t":"ok","ref":4,"topics":1,"id":"e-0"}`)
	close(hold)
	got := map[string]bool{}
	for range 6 { // answers and messages come in no particular order to one another
		_, text := c.message()
		got[text] = true
	}
	for n := range 3 {
		for _, want := range []string{fmt.Sprintf(`{"t":"ok","ref":%d,"id":"e-%d","duplicate":false}`, n, n+1), msg("chat.1", n+1, fmt.Sprint(n))} {
			if !got[want] {
				t.Errorf("got %v, want %s", got, want)
			}
		}
	}
	c.does(`{"t":"pub","ref":5,"topic":"chat.2","data":1}`, `{"t":"ok","ref":5,"id":"e-4","duplicate":false}`)
}

// While the process has too much on its way, a message is refused at once.
func TestPublishingWhileBusy(t *testing.T) {
	pub, stream := publishing(t, nil)
	stream.full = true
	g := serve(t, Config{Publishing: pub}, hub.TopicConfig{})
	c := g.envelope("/ws")
	c.does(`{"t":"pub","ref":1,"topic":"chat.1","data":1}`, `{"t":"error","ref":1,"code":"busy","message":"too many messages are on their way; send this one again soon"}`)
}

// A message is stored although its publisher has gone, and whoever gets its descriptor is not told.
func TestPublisherGoesBeforeTheAnswer(t *testing.T) {
	hold := make(chan struct{})
	pub, stream := publishing(t, hold)
	g := serve(t, Config{Publishing: pub}, hub.TopicConfig{Policy: hub.All})
	stream.attach(g)
	gone := g.envelope("/ws")
	gone.command(`{"t":"pub","ref":1,"topic":"chat.1","data":1}`)
	g.eventually("the command", func(s *Snapshot) bool { return s.Commands[3] == 1 })
	_ = gone.Close()
	g.eventually("its end", func(s *Snapshot) bool { return s.Loop.Conns == 0 })
	next := g.envelope("/ws?topic=chat.1")
	g.subscribed(1)
	close(hold)
	next.hears(msg("chat.1", 1, "1"))
	next.does(`{"t":"unsub","ref":2,"topics":["chat.1"]}`, `{"t":"ok","ref":2,"topics":0}`)
}

// What the rules of topics refuse is not published, whoever has been granted it, and from the moment on from which they do.
func TestRulesRestrictPublishing(t *testing.T) {
	const (
		pubChat = `{"t":"pub","ref":1,"topic":"chat.1","data":1}`
		refused = `{"t":"error","ref":1,"code":"forbidden","message":"publishing to \"chat.1\" is not granted"}`
	)
	for _, tt := range []struct {
		name, query string
		access      Access
		token       bool
	}{
		{name: "anonymous", query: "/ws"},
		{"token", "/ws?access_token=" + token(chats, time.Hour), Access{Verifier: verifier(t, auth.Config{Keys: allKeys(t)})}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pub, stream := publishing(t, nil)
			var closed atomic.Bool
			pub.Rules = func(topic string, token bool) bool {
				if topic != "chat.1" || token != tt.token {
					t.Errorf("asked for %q, token %v; want chat.1, %v", topic, token, tt.token)
				}
				return !closed.Load()
			}
			g := serve(t, Config{Publishing: pub, Access: tt.access}, hub.TopicConfig{})
			stream.attach(g)
			c := g.envelope(tt.query)
			c.does(pubChat, `{"t":"ok","ref":1,"id":"e-1","duplicate":false}`)
			closed.Store(true)
			c.does(pubChat, refused)
			closed.Store(false)
			c.does(pubChat, `{"t":"ok","ref":1,"id":"e-2","duplicate":false}`)
			c.does(`{"t":"pub","ref":2,"topic":"price.1","data":1}`, `{"t":"error","ref":2,"code":"forbidden","message":"publishing to \"price.1\" is not granted"}`)
		})
	}
}
