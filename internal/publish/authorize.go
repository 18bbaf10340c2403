package publish

import (
	"net"
	"net/http"
)

// Authorizer decides who may publish. It must be safe for concurrent use.
type Authorizer interface {
	// Authorize returns to which topics the request may publish, or an error, best a *Refusal. A pipeline asks
	// once, and the grant for each message.
	Authorize(r *http.Request) (Grant, error)
}

// Grant tells whether messages may be published to a topic. It must not block.
type Grant func(topic string) bool

// Refusal says why a request may not publish. Its message is shown to the client and must hold no secret.
type Refusal struct {
	Status    int // 401 if another key may help, 403 if this one is not allowed to, 503 if it may be accepted later
	Message   string
	Challenge string // of the field WWW-Authenticate with 401; default Bearer
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// LoopbackOnly lets everybody publish to all topics who reaches a listener on a loopback address, and nobody who reaches
// one on another.
func LoopbackOnly(listener net.Addr) Authorizer {
	addr, ok := listener.(*net.TCPAddr)
	return loopbackOnly{ok && addr.IP.IsLoopback()}
}

type loopbackOnly struct{ loopback bool }

// Authorize implements Authorizer.
func (l loopbackOnly) Authorize(*http.Request) (Grant, error) {
	if !l.loopback {
		return nil, &Refusal{Status: http.StatusForbidden, Message: "the private listener is reachable from other machines and has no publish keys: " +
			"configure keys with --publish-keys FILE, or bind it to 127.0.0.1 with --admin"}
	}
	return func(string) bool { return true }, nil
}
