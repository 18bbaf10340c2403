package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/auth"
	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

const (
	readTicks = `{"subscribe":["ticks"]}`
	chats     = `{"subscribe":["ticks","chat.*"],"publish":["chat.*"]}`
)

// token returns a token that grants so much, for so long.
func token(grants string, d time.Duration) string {
	return signers().hs.Sign(claims("tickgate", grants, "exp", string(expires(d))))
}

func authCommand(ref int, token string) string {
	return fmt.Sprintf(`{"t":"auth","ref":%d,"token":"%s"}`, ref, token)
}

// What an envelope client may do is what its token grants, and then what the next token grants.
func TestPermissionsOfEnvelopes(t *testing.T) {
	pub, stream := publishing(t, nil)
	g := serve(t, Config{Publishing: pub, Access: Access{Verifier: verifier(t, auth.Config{Keys: allKeys(t)})}}, hub.TopicConfig{Policy: hub.All})
	stream.attach(g)
	c := g.envelope("/ws?topic=ticks&access_token=" + token(readTicks, time.Hour))
	const (
		subChat = `{"t":"sub","ref":1,"topics":["ticks","chat.*"]}`
		pubChat = `{"t":"pub","ref":2,"topic":"chat.1","data":1}`
	)
	refusedPub := `{"t":"error","ref":2,"code":"forbidden","message":"publishing to \"chat.1\" is not granted"}`
	refusedSub := `{"t":"error","ref":1,"code":"forbidden","message":"the token does not grant subscribing to \"chat.*\""}`
	c.does(subChat, refusedSub)
	c.does(pubChat, refusedPub)

	g.renews(c, token(chats, time.Hour))
	c.does(subChat, `{"t":"ok","ref":1,"topics":2,"id":"e-0"}`)
	c.does(`{"t":"sub","ref":3,"topics":["chat.>"]}`, `{"t":"error","ref":3,"code":"forbidden","message":"the token does not grant subscribing to \"chat.>\""}`)
	c.command(pubChat)
	first, second := c.reply(), c.reply() // in no particular order
	if first.T != "ok" {
		first, second = second, first
	}
	if first.T != "ok" || first.Ref != 2 || second.T != "msg" || second.Topic != "chat.1" {
		t.Errorf("got %+v and %+v, want the answer and the message", first, second)
	}

	c.does(authCommand(4, token(readTicks, time.Hour)), `{"t":"error","ref":4,"code":"forbidden","message":"the token does not grant subscribing to \"chat.*\""}`)
	c.does(`{"t":"unsub","ref":5,"topics":["chat.*"]}`, `{"t":"ok","ref":5,"topics":1}`)
	g.renews(c, token(readTicks, time.Hour))
	c.does(pubChat, refusedPub)

	c.does(authCommand(6, "nonsense"), `{"t":"error","ref":6,"code":"unauthorized","message":"the token is not a JWT in the compact form"}`)
	c.does(authCommand(7, token(chats, -time.Hour)), `{"t":"error","ref":7,"code":"unauthorized","message":"the token has expired; get a new one"}`)
	c.does(pubChat, refusedPub)
}

// renews has a client present another token that is accepted.
func (g *gateway) renews(c *client, token string) {
	g.t.Helper()
	c.command(authCommand(99, token))
	if op, got := c.message(); op != ws.OpText || !strings.HasPrefix(got, `{"t":"ok","ref":99,"expires_in_ms":3`) {
		g.t.Fatalf("got %s, want another hour", got)
	}
}

// A token whose key has to be fetched is verified elsewhere, one at a time, while other commands go on.
func TestAnotherTokenMayWait(t *testing.T) {
	t.Parallel()
	es := tokentest.ES256("fetched")
	from := newIssuer(t, func() string { return tokentest.Set(es) })
	remote, err := keyset.NewRemote(keyset.RemoteConfig{URL: from.URL, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, auth.Config{Keys: allKeys(t), Remote: remote})
	g := serve(t, Config{Access: Access{Verifier: v}}, hub.TopicConfig{})
	stays, goes := g.envelope("/ws?access_token="+token(readTicks, time.Hour)), g.envelope("/ws?access_token="+token(readTicks, time.Hour))
	other := es.Sign(claims("tickgate", chats))
	for _, c := range []*client{stays, goes} {
		c.command(authCommand(99, other))
	}
	g.eventually("tokens that wait", func(*Snapshot) bool { return v.Stats().Pending == 2 })
	stays.does(authCommand(2, other), `{"t":"error","ref":2,"code":"busy","message":"another token of this connection is being verified; wait for the answer"}`)
	stays.does(`{"t":"unsub","ref":3,"topics":["a"]}`, `{"t":"ok","ref":3,"topics":0}`)
	_ = goes.Close()
	g.eventually("the end of one", func(s *Snapshot) bool { return s.Loop.Conns == 1 })
	close(from.gate)
	if op, got := stays.message(); op != ws.OpText || !strings.HasPrefix(got, `{"t":"ok","ref":99,"expires_in_ms":3`) {
		t.Fatalf("got %s, want the token accepted", got)
	}
	stays.command(`{"t":"sub","ref":4,"topics":["chat.1"]}`)
	if r := stays.reply(); r.T != "ok" || r.Ref != 4 {
		t.Errorf("got %+v, want what the new token grants", r)
	}
}

// A client is told before its token expires, and stays if it brings another one in time.
func TestExpiryOfEnvelopes(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 2*time.Second, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{Access: Access{Verifier: verifier(t, auth.Config{Keys: allKeys(t)})}}, hub.TopicConfig{})
		short := token(readTicks, 2*unit)
		renewing, idle := g.envelope("/ws?topic=ticks&access_token="+short), g.envelope("/ws?topic=ticks&access_token="+short)
		g.subscribed(2)
		for _, c := range []*client{renewing, idle} {
			if op, got := c.message(); op != ws.OpText || !strings.HasPrefix(got, `{"t":"expiring","in_ms":`) {
				t.Fatalf("got %s, want word of the expiry", got)
			}
		}
		g.renews(renewing, token(readTicks, time.Hour))
		if code, reason := idle.closeFrame(); code != 1008 || !strings.Contains(reason, "expired") {
			t.Errorf("got close %d %q, want 1008", code, reason)
		}
		_ = idle.Close()
		g.closed(TokenExpired, 1)
		g.publish("1")
		renewing.hears(msg("ticks", 1, "1"))
	})
}
