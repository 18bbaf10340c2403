package iomodel

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// Reconnect advice, with the values of internal/session.
const (
	retryLeast        = time.Second
	retrySpread       = 9 * time.Second
	streamRetryLeast  = 1 * time.Second
	streamRetrySpread = 4 * time.Second
)

// corsOrigin is who may read the streams.
const corsOrigin = "*"

// heartbeatPing is what a ping carries.
var heartbeatPing = []byte("tickgate")

var (
	errNotFound = &wire.HTTPError{Status: http.StatusNotFound, Code: "not_found", Message: "there is /ws and /sse"}
	errMethod   = &wire.HTTPError{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "use GET", Allow: "GET"}
	errTopic    = &wire.HTTPError{Status: http.StatusNotFound, Code: "unknown_topic", Message: "there is no such topic"}
	errTimeout  = &wire.HTTPError{Status: http.StatusRequestTimeout, Code: "header_timeout", Message: "the request head did not arrive in time"}
)

// core is what both kinds of servers are built on.
type core struct {
	counters
	cfg      Config // immutable
	topic    *hub.Topic
	sessions atomic.Int64 // admitted and not yet left
	draining atomic.Bool
}

func newCore(cfg Config) *core {
	return &core{cfg: cfg.withDefaults(), topic: cfg.Hub.Topic(cfg.DefaultTopic)}
}

// newest returns the topic's newest message, nil if there is none yet.
func (c *core) newest() *hub.Message {
	for {
		head := c.topic.Head()
		if m := c.topic.At(head); m != nil || head == 0 {
			return m
		}
	}
}

// admit decides about a request for a stream. The session that it lets in is to be ended with leave.
func (c *core) admit(method string, topics []string) *wire.HTTPError {
	other := func(name string) bool { return name != c.cfg.DefaultTopic }
	switch {
	case method != http.MethodGet:
		return errMethod
	case c.draining.Load():
		return unavailable("draining", "the server is restarting")
	case slices.ContainsFunc(topics, other):
		return errTopic
	}
	if n := c.sessions.Add(1); c.cfg.MaxConns > 0 && n > int64(c.cfg.MaxConns) {
		c.leave()
		return unavailable("at_capacity", "the server is full")
	}
	return nil
}

func (c *core) leave() { c.sessions.Add(-1) }

// unavailable returns a 503 with its own time to come back.
func unavailable(code, message string) *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusServiceUnavailable, Code: code, Message: message,
		RetryAfter: jitter(retryLeast, retrySpread),
	}
}

// atOnce returns a context that is over, for a shutdown that is to be begun and not to be waited for.
func atOnce() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// jitter returns a random duration from least to least+spread.
func jitter(least, spread time.Duration) time.Duration { return least + rand.N(spread+1) }

// farewell returns what ends a session because of a drain that takes d.
func farewell(t transport, d time.Duration) []byte {
	retry := jitter(retryLeast, max(d, retrySpread))
	if t == eventStream {
		return wire.AppendSSERetry(nil, retry)
	}
	return wire.AppendCloseRetry(nil, wire.CloseRestart, retry)
}

// heartbeat returns what an idle client is sent.
func heartbeat(t transport) []byte {
	if t == eventStream {
		return wire.AppendSSEComment(nil, "")
	}
	return wire.AppendPing(nil, heartbeatPing)
}

// fault returns the close frame after an error of the frame decoder, and the reason it counts as.
func fault(err error) ([]byte, reason) {
	var broken *wire.CloseError
	if !errors.As(err, &broken) {
		panic("BUG: the frame decoder returned " + err.Error())
	}
	r := protocolError
	switch broken.Code {
	case wire.CloseInvalidData:
		r = invalidData
	case wire.CloseTooBig:
		r = tooBig
	}
	return wire.AppendCloseFrame(nil, broken.Code, broken.Reason), r
}
