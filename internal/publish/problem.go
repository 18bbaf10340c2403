package publish

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"tickgate/internal/bus"
)

// problem is why a message was not stored, or not known to be: the body of an HTTP error and the result of a line.
type problem struct {
	status  int
	code    string // as clients see it, and the label of the count
	message string
	retry   bool // the same request may succeed later

	challenge string // WWW-Authenticate, for 401
}

// Error implements error.
func (p *problem) Error() string { return p.message }

// badRequest quotes what the client sent, of which a pipeline holds thousands in its window: it is cut.
func badRequest(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, code: "bad_request", message: cut(fmt.Sprintf(format, args...))}
}

// maxExplained bounds the message of a problem in bytes.
const maxExplained = 1 << 10

// cut returns the beginning of a text that is too long, in memory of its own.
func cut(text string) string {
	if len(text) <= maxExplained {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:maxExplained]), "") + "…"
}

func tooLarge(what string, limit int) *problem {
	return &problem{
		status: http.StatusRequestEntityTooLarge, code: "too_large",
		message: fmt.Sprintf("the %s is larger than the %d bytes that --max-message allows", what, limit),
	}
}

func forbidden(topic string) *problem {
	return &problem{status: http.StatusForbidden, code: "forbidden", message: fmt.Sprintf("the key or token does not grant publishing to %q, or not any more", topic)}
}

func tooMany(what string, limit int) *problem {
	return &problem{
		status: http.StatusTooManyRequests, code: "overloaded", retry: true,
		message: fmt.Sprintf("%d %s are on their way already", limit, what),
	}
}

// problemOf says in HTTP what an error of the Publisher, the Authorizer or this package means.
func problemOf(err error) *problem {
	var (
		own     *problem
		refusal *Refusal
		storage *bus.StorageError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refusal):
		return refused(refusal)
	case errors.Is(err, bus.ErrTopic):
		return &problem{status: http.StatusBadRequest, code: "bad_topic", message: err.Error()}
	case errors.Is(err, bus.ErrTooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, code: "too_large", message: err.Error()}
	case errors.Is(err, bus.ErrOverloaded):
		return &problem{status: http.StatusTooManyRequests, code: "overloaded", message: "the stream stores more slowly than messages come", retry: true}
	case errors.As(err, &storage):
		return &problem{status: http.StatusInsufficientStorage, code: "storage_full", message: "the data directory cannot be written to"}
	default:
		return &problem{
			status: http.StatusServiceUnavailable, code: "unavailable", retry: true,
			message: "the stream did not acknowledge the message; it may be stored all the same: repeat it with the same Nats-Msg-Id",
		}
	}
}

func refused(r *Refusal) *problem {
	p := &problem{status: r.Status, code: "forbidden", message: r.Message, challenge: r.Challenge}
	switch r.Status {
	case http.StatusUnauthorized:
		p.code, p.challenge = "unauthorized", cmp.Or(r.Challenge, "Bearer")
	case http.StatusServiceUnavailable:
		p.code, p.retry = "unavailable", true
	}
	return p
}

// refuse answers a request with the problem.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	p := problemOf(err)
	h.counts.fail(p.code)
	header := w.Header()
	if p.retry {
		header.Set("Retry-After", strconv.Itoa(1+rand.IntN(maxRetryAfter))) // publishers should not come back in step
	}
	if p.challenge != "" {
		header.Set("WWW-Authenticate", p.challenge) // RFC 9110 section 11.6.1
	}
	respond(w, p.status, appendProblem(nil, p))
}

// maxRetryAfter is in seconds: the stream is behind for milliseconds, or without its server for some seconds.
const maxRetryAfter = 3

func respond(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
