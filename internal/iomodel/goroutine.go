package iomodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// netServer is the server on net/http with goroutines. It implements hub.Reader.
type netServer struct {
	*core
	http     *http.Server
	listener net.Listener  // set by Listen
	news     chan struct{} // of depth 1: the topic has news
	stopped  chan struct{} // Stop has been called
	stopOnce sync.Once

	subscribers registry
}

func newNetServer(c *core) *netServer {
	s := &netServer{core: c, news: make(chan struct{}, 1), stopped: make(chan struct{})}
	s.subscribers.init()
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, webSocket) })
	mux.HandleFunc("/sse", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, eventStream) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.refuse(w, errNotFound) })
	s.http = &http.Server{
		Handler: mux, ReadHeaderTimeout: c.cfg.HeaderTimeout, MaxHeaderBytes: c.cfg.HeaderBytes,
		ConnState: s.onState, ConnContext: withConn, ErrorLog: slog.NewLogLogger(c.cfg.Log.Handler(), slog.LevelDebug),
	}
	s.http.SetKeepAlivesEnabled(false) // an answer ends the connection, as with the other models
	return s
}

// Listen implements Server.
func (s *netServer) Listen(addr string) (err error) {
	lc := net.ListenConfig{Control: s.cfg.control, KeepAlive: -1} // keepalive is off in the other models
	lc.SetMultipathTCP(false)                                     // and package net would take it where it can
	if s.listener, err = lc.Listen(context.Background(), "tcp", addr); err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	return nil
}

// Run implements Server.
func (s *netServer) Run() error {
	s.topic.Attach(s)
	defer s.topic.Detach(s)
	var broadcaster sync.WaitGroup
	broadcaster.Go(s.broadcast)
	err := s.http.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) { // by Stop, or by Drain while clients are still served
		<-s.stopped
		err = nil
	}
	s.Stop()
	broadcaster.Wait()
	s.subscribers.live.Wait()
	return err
}

// Stop implements Server.
func (s *netServer) Stop() {
	s.stopOnce.Do(func() {
		close(s.stopped)
		_ = s.http.Close()
		s.subscribers.close()
		if s.listener != nil {
			_ = s.listener.Close()
		}
	})
}

// Drain implements Server.
func (s *netServer) Drain(d time.Duration) {
	if s.draining.Swap(true) {
		return
	}
	_ = s.http.Shutdown(atOnce()) // closes the listener
	s.subscribers.each(func(sub *subscriber) {
		time.AfterFunc(rand.N(d+1), func() { sub.sendAway(farewell(sub.transport, d), s.cfg.Linger) })
	})
}

// News implements hub.Reader: it wakes the broadcaster unless that is on its way already.
func (s *netServer) News(*hub.Topic) {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// broadcast offers the newest message to all subscribers whenever there is news.
func (s *netServer) broadcast() {
	for {
		select {
		case <-s.news:
		case <-s.stopped:
			return
		}
		m := s.newest()
		s.subscribers.each(func(sub *subscriber) { sub.offer(m) })
	}
}

// onState is http.Server.ConnState. A connection is counted as http until it is closed, hijacked or an event stream.
func (s *netServer) onState(_ net.Conn, st http.ConnState) {
	switch st {
	case http.StateNew:
		s.accepts.Add(1)
		s.move(plainHTTP, gone, plainHTTP, handshake)
	case http.StateClosed, http.StateHijacked:
		s.move(plainHTTP, handshake, plainHTTP, gone)
	}
}

// connKey is the key of a connection in its requests' contexts.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// serve answers a request for a stream.
func (s *netServer) serve(w http.ResponseWriter, r *http.Request, t transport) {
	if t == webSocket && !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.refuse(w, wire.ErrUpgradeRequired)
		return
	}
	if refusal := s.admit(r.Method, r.URL.Query()["topic"]); refusal != nil {
		s.refuse(w, refusal)
		return
	}
	sub := newSubscriber(t, r.Context().Value(connKey{}).(net.Conn))
	switch {
	case !s.subscribers.add(sub):
		s.leave() // Stop has closed the connection
	case s.draining.Load(): // since admit: Drain may not have seen the subscriber
		s.refuse(w, unavailable("draining", "the server is restarting"))
		s.turnAway(sub)
	case t == webSocket:
		s.serveSocket(w, r, sub)
	default:
		s.serveStream(w, r, sub)
	}
}

// turnAway ends a session that has not begun.
func (s *netServer) turnAway(sub *subscriber) {
	close(sub.gone)
	s.end(sub, refused)
}

// end counts a session out.
func (s *netServer) end(sub *subscriber, r reason) {
	select {
	case <-s.stopped:
		if r == peerClosed || r == peerReset {
			r = stopped // it was this side that closed
		}
	default:
	}
	s.closes[r].Add(1)
	s.leave()
	s.subscribers.remove(sub)
}

// refuse answers a request with an error.
func (s *netServer) refuse(w http.ResponseWriter, e *wire.HTTPError) {
	s.countRefusal(e.Code)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if e.Status == http.StatusUpgradeRequired {
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
	}
	w.WriteHeader(e.Status)
	_, body, _ := bytes.Cut(wire.AppendHTTPError(nil, e), []byte("\r\n\r\n"))
	_, _ = w.Write(body)
}
