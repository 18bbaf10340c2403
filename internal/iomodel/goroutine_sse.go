package iomodel

import (
	"net/http"
	"time"

	"tickgate/internal/wire"
)

// serveStream is the handler of /sse: it runs until the stream ends.
func (s *netServer) serveStream(w http.ResponseWriter, r *http.Request, sub *subscriber) {
	s.move(plainHTTP, handshake, eventStream, open)
	defer s.move(eventStream, open, plainHTTP, handshake)
	s.handshakes[eventStream].Add(1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Access-Control-Allow-Origin", corsOrigin)
	h.Set("Transfer-Encoding", "identity") // the stream ends with the connection: no chunks around events
	w.WriteHeader(http.StatusOK)
	out := &streamSink{w: w, flush: http.NewResponseController(w), timeout: s.cfg.WriteTimeout}
	one := &stream{core: s.core, sub: sub, out: out}
	greeting := wire.AppendSSERetry(nil, jitter(streamRetryLeast, streamRetrySpread))
	end := one.run(greeting, r.Context().Done())
	if end == writeTimeout {
		sub.reset()
	}
	s.end(sub, end)
}

// streamSink writes through net/http.
type streamSink struct {
	w       http.ResponseWriter
	flush   *http.ResponseController
	timeout time.Duration
}

// write implements sink.
func (s *streamSink) write(b []byte) error {
	if s.timeout > 0 {
		if err := s.flush.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
			return err
		}
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.flush.Flush()
}

// expect implements sink: a comment is not answered.
func (*streamSink) expect(time.Duration) {}
