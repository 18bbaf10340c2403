package session

import (
	"errors"
	"testing"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

// only returns the one session there is. Event loop only.
func (g *gateway) only() (c *conn) {
	g.epoll.Each(func(one *epoll.Conn[State]) { c = one })
	return c
}

// refresh brings a token on the one session there is and waits for the outcome.
func (g *gateway) refreshWith(token string) error {
	g.t.Helper()
	outcome := make(chan error, 1)
	g.do(func() { g.refresh(g.only(), auth.NewToken(token), func(_ *conn, err error) { outcome <- err }) })
	return await(g.t, outcome, "the outcome of a refresh")
}

// A session that brings a new token in time lives by that, and one that brings a bad token by the old one.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := signers()
	g := serve(t, Config{Access: Access{Verifier: verifier(t, auth.Config{Keys: allKeys(t)})}}, hub.TopicConfig{})
	c := g.ws("/ws?access_token=" + s.hs.Sign(claims("exp", string(expires(patience/2)))))
	g.subscribed(1)
	if err := g.refreshWith(s.hs.Sign(claims("exp", "1"))); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("expired: got %v, want %v", err, auth.ErrExpired)
	}
	if err := g.refreshWith(s.ed.Sign(claims("tickgate", `{"subscribe":["fx"]}`))); err != nil {
		t.Fatalf("another key and other topics: got %v", err)
	}
	g.do(func() {
		c := g.only()
		if left := c.State().untilExpiry(); left < 30*time.Minute {
			t.Errorf("got %v until the session expires, want the new token's hour", left)
		}
		if v := g.verdict(c); v == nil || !v.Permissions.MaySubscribe("fx") || v.Permissions.MaySubscribe("ticks") {
			t.Errorf("got verdict %+v, want that of the new token", v)
		}
	})
	if err := g.refreshWith(s.es.Sign(claims("exp", string(expires(time.Second))))); err != nil {
		t.Fatalf("a shorter one: got %v", err)
	}
	if code, _ := c.closeFrame(); code != 1008 {
		t.Errorf("got close %d, want 1008 when the last token expires", code)
	}
	_ = c.Close()
	g.closed(TokenExpired, 1)
	g.do(func() {
		if len(g.verdicts) != 0 {
			t.Errorf("got %d verdicts kept behind their sessions, want none", len(g.verdicts))
		}
	})
}

// The outcome for a session that has gone meanwhile is nobody's, not even of one with the same descriptor.
func TestRefreshOutlivesItsSession(t *testing.T) {
	t.Parallel()
	s := signers()
	from := newIssuer(t, func() string { return `{}` })
	v := from.verifier(t)
	g := serve(t, Config{HeaderTimeout: 2 * patience, Access: Access{Verifier: v}}, hub.TopicConfig{})
	c := g.dial()
	c.write(request("/nothing/yet")[:20])
	g.eventually("a connection", func(s *Snapshot) bool { return s.Loop.Conns == 1 })
	g.do(func() {
		g.refresh(g.only(), auth.NewToken(s.es.Sign(claims())), func(*conn, error) { t.Error("got an outcome for a session that has gone") })
	})
	_ = c.Close()
	g.eventually("the end of it", func(s *Snapshot) bool { return s.Loop.Conns == 0 })
	again := g.dial()
	g.eventually("another one", func(s *Snapshot) bool { return s.Loop.Conns == 1 })
	close(from.gate)
	g.eventually("the end of the verification", func(*Snapshot) bool { return v.Stats().Pending == 0 })
	g.do(func() {})
	_ = again.Close()
}
