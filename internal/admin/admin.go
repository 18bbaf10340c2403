// Package admin is the private HTTP listener: metrics, health, readiness and profiles of all of the
// gateway's processes under one address. It knows them as Workers that answer requests, and neither
// how they are started nor what their metrics mean.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// Config is what the listener shows.
type Config struct {
	// Addr is the address to listen on, host:port. On a loopback address, requests must name a
	// loopback host (see guardHost), and pages of other sites get nothing (see guardOrigin).
	Addr string
	// Workers returns the processes to ask, this one included, in the order to show them. It is
	// called for each request, from any goroutine.
	Workers func() []Worker
	// MergeMetrics makes one metrics page of the workers' pages. Its result is text format.
	MergeMetrics func([]Page) ([]byte, error)
	// Readiness is what /readyz tells.
	Readiness *Readiness
	// Health is what /healthz tells: an error means that only a restart helps. Nil is healthy.
	Health func() error
	// Log gets the HTTP server's complaints; nil discards them.
	Log *slog.Logger
}

// Server is the listener. Listen makes it, Serve runs it, Shutdown ends it.
type Server struct {
	config   Config
	listener net.Listener
	mux      *http.ServeMux
	http     *http.Server
}

// Limits of the private listener, which humans, scrapers and publishers use.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute // longer than any usual scrape interval
	maxHeader     = 16 << 10
	// maxConns is how many connections are served at a time; further ones wait in the accept queue. All of
	// them share the descriptors that a process keeps for itself (limits.ReserveFiles) with the stream's files.
	maxConns = 128
	// answerTimeout bounds an answer, from the end of the request to its last byte. Profiles
	// extend it by their own length.
	answerTimeout = 30 * time.Second
)

// Listen binds the address, so that a taken port is known at once. Requests are answered after
// Serve.
func Listen(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Health == nil {
		cfg.Health = func() error { return nil }
	}
	if cfg.Addr == "" {
		return nil, errors.New("private listener: no address") // net.Listen would open any port to everybody
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w; is another gateway running? --admin takes another address, or off", err)
	}
	if err != nil {
		return nil, fmt.Errorf("private listener: %w", err)
	}
	s := &Server{config: cfg, listener: netutil.LimitListener(listener, maxConns), mux: http.NewServeMux()}
	s.routes()
	s.http = s.server()
	return s, nil
}

// routes are the pages of this package; Handle adds others.
func (s *Server) routes() {
	s.mux.HandleFunc("GET /debug/{$}", s.index)
	s.mux.HandleFunc("GET /metrics", s.metrics)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.HandleFunc("GET /debug/ticks", s.ticks)
	s.mux.HandleFunc("GET /v1/topics", s.topics)
	s.mux.HandleFunc("GET /v1/topics/{topic}", s.topic)
	s.mux.HandleFunc("GET /v1/connections", s.connections)
	s.mux.Handle("GET /debug/pprof", http.RedirectHandler("/debug/pprof/", http.StatusMovedPermanently))
	s.mux.HandleFunc("GET /debug/pprof/{$}", s.index)
	s.mux.HandleFunc("GET /debug/pprof/{profile}", s.profile)
	s.mux.HandleFunc("GET /debug/pprof/worker/{worker}/{path...}", s.workerProfile)
}

func (s *Server) server() *http.Server {
	handler := limitAnswer(http.NewCrossOriginProtection().Handler(s.mux))
	if addr, ok := s.listener.Addr().(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		handler = guardHost(guardOrigin(handler))
	}
	running, stop := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return running },
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(stop) // a profile of minutes must not hold the shutdown up
	return server
}

// limitAnswer gives every answer a deadline. A server-wide WriteTimeout would cut profiles, which
// net/http/pprof refuses to take under one. A body has the same time: net/http waits for the rest of it before
// it sends even a refusal, and a client that sends none would keep its descriptor for ever.
func limitAnswer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		extendAnswer(w, 0)
		if r.ContentLength != 0 { // without a body, net/http would take the deadline for the client's end
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(answerTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// extendAnswer sets the answer's deadline to answerTimeout after d from now.
func extendAnswer(w http.ResponseWriter, d time.Duration) {
	// An answer that goes to memory has no deadline to set.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d + answerTimeout))
}

// Handle adds a page under a pattern of http.ServeMux. It must be called before Serve. A page that takes longer than 30 s
// to read a request's body, or to answer, sets its own deadlines through http.ResponseController.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Addr is the bound address; it has the real port if port 0 was asked for.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers requests until Shutdown, and then returns nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("private listener: %w", err)
	}
	return nil
}

// Shutdown stops listening, breaks off profiles and waits for the other answers until ctx ends;
// then it closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	defer func() { _ = s.listener.Close() }() // if Serve was never called
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
