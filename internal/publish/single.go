package publish

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tickgate/internal/bus"
)

const (
	// eventHeader and msgIDHeader are the names of the stream's own headers, so that HTTP and NATS publishers write
	// the same.
	eventHeader = bus.EventHeader
	msgIDHeader = "Nats-Msg-Id"

	// gapEvent is what an event stream calls a gap (wire.AppendSSEGap), and no publisher may pretend one.
	gapEvent = "gap"

	// maxAttribute bounds an event type and a message id in bytes; the stream has room for both.
	maxAttribute = 256
)

// single is POST /v1/topics/{topic}.
func (h *Handler) single(w http.ResponseWriter, r *http.Request) {
	if !take(h.singles) {
		h.refuse(w, tooMany("single messages", cap(h.singles)))
		return
	}
	defer func() { <-h.singles }()
	ack, err := h.store(w, r)
	if err != nil {
		h.refuse(w, err)
		return
	}
	h.counts.store(ack)
	respond(w, http.StatusOK, appendAck(nil, h.config.Publisher.Epoch(), ack))
}

// store checks a request and stores its message.
func (h *Handler) store(w http.ResponseWriter, r *http.Request) (bus.Ack, error) {
	grant, err := h.config.Authorizer.Authorize(r)
	if err != nil {
		return bus.Ack{}, err
	}
	m := bus.Msg{Topic: r.PathValue("topic"), Event: r.Header.Get(eventHeader), MsgID: r.Header.Get(msgIDHeader)}
	if err := h.check(m, grant); err != nil {
		return bus.Ack{}, err
	}
	if m.Payload, err = h.body(w, r); err != nil {
		return bus.Ack{}, err
	}
	pending, err := h.config.Publisher.PublishAsync(m)
	if err != nil {
		return bus.Ack{}, err
	}
	return pending.Wait(r.Context())
}

// check looks at everything but the payload.
func (h *Handler) check(m bus.Msg, grant Grant) error {
	if err := checkMessage(m); err != nil {
		return err
	}
	if !grant(m.Topic) {
		return forbidden(m.Topic)
	}
	return nil
}

// checkMessage looks at a message's topic and attributes.
func checkMessage(m bus.Msg) error {
	if err := bus.CheckTopic(m.Topic); err != nil {
		return err
	}
	if err := checkAttribute("event type", m.Event); err != nil {
		return err
	}
	if err := checkAttribute("message id", m.MsgID); err != nil {
		return err
	}
	if m.Event == gapEvent {
		return badRequest("the event type %q is the gateway's own: it tells clients that messages are missing; take another one", gapEvent)
	}
	return nil
}

// checkAttribute looks at a value that becomes a line of a NATS header and, as an event type, of an SSE stream.
func checkAttribute(what, value string) error {
	switch {
	case len(value) > maxAttribute:
		return badRequest("the %s has %d bytes, at most %d are allowed", what, len(value), maxAttribute)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return badRequest("the %s %q has control characters", what, value)
	case strings.TrimSpace(value) != value:
		return badRequest("the %s %q begins or ends with white space", what, value)
	}
	return nil
}

// body reads the payload.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &problem{
			status: http.StatusUnsupportedMediaType, code: "bad_request",
			message: fmt.Sprintf("Content-Encoding %q is not supported: send the payload as it is", encoding),
		}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.config.Patience)) // a slow one holds a place
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.config.MaxMessage)))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, tooLarge("payload", h.config.MaxMessage)
	}
	if err != nil {
		return nil, badRequest("the payload ended early: %v", err)
	}
	return payload, nil
}
