package session

import (
	"bytes"
	"strconv"
	"sync"

	"tickgate/internal/auth"
	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
)

// Publisher takes the messages of clients to the stream. Its methods must not block and must be safe for concurrent use.
type Publisher interface {
	// Check returns what is wrong with a message, nil if nothing is.
	Check(p *envelope.Publication) *envelope.Error
	// Publish sends a message that Check has let pass, and calls done with the outcome once, on another goroutine and perhaps
	// before it has returned. done does not block. It returns false, and will not call done, if too many are on their way.
	Publish(p envelope.Publication, done func(envelope.Stored, *envelope.Error)) bool
}

// Publishing says who may publish by envelope. By default nobody may.
type Publishing struct {
	// Publisher takes the messages; nil lets nobody publish.
	Publisher Publisher
	// Anonymous is what clients without a token may publish.
	Anonymous auth.Permissions
	// Rules may refuse what Anonymous or a client's token grants: it is asked for each message, on the event loop, and told
	// whether the client has a token. It must be safe for concurrent use and not block. nil refuses nothing.
	Rules func(topic string, token bool) bool
	// MaxFlying bounds the messages of one connection that are not stored yet; further ones are refused as busy. Default 64.
	MaxFlying int
}

const defaultMaxFlying = 64

// pub sends a message to the stream. The answer comes when it is stored.
func (l *Loop) pub(c *conn, cmd *envelope.Command) *envelope.Error {
	p, fault := l.publication(c, cmd)
	if fault != nil {
		return fault
	}
	e := &l.envelopes
	if e.flying[c.FD()] >= l.cfg.Publishing.MaxFlying {
		return &envelope.Error{
			Code:    envelope.Busy,
			Message: strconv.Itoa(l.cfg.Publishing.MaxFlying) + " messages of this connection are on their way; wait for an answer",
		}
	}
	r := receipt{fd: c.FD(), gen: c.Gen(), ref: cmd.Ref}
	done := func(stored envelope.Stored, fault *envelope.Error) {
		r.stored, r.fault = stored, fault
		l.deliverReceipt(r)
	}
	if !l.cfg.Publishing.Publisher.Publish(p, done) {
		return errBusy
	}
	e.flying[c.FD()]++
	return nil
}

// publication returns the message of a pub command, in memory of its own, if the client may publish it.
func (l *Loop) publication(c *conn, cmd *envelope.Command) (p envelope.Publication, fault *envelope.Error) {
	publisher := l.cfg.Publishing.Publisher
	if publisher == nil {
		return p, errNoPublishing
	}
	payload, err := envelope.ParsePayload(cmd.Data, string(cmd.Enc))
	if err != nil {
		return p, &envelope.Error{Code: envelope.BadCommand, Message: err.Error()}
	}
	p = envelope.Publication{
		Topic: string(cmd.Topic), Payload: bytes.Clone(payload), Event: string(cmd.Event), MsgID: string(cmd.MsgID),
	}
	if fault := publisher.Check(&p); fault != nil {
		return p, fault
	}
	if !l.mayPublish(c, p.Topic) {
		return p, &envelope.Error{Code: envelope.Forbidden, Message: "publishing to " + strconv.Quote(p.Topic) + " is not granted"}
	}
	return p, nil
}

var (
	errNoPublishing = &envelope.Error{Code: envelope.Forbidden, Message: "clients may not publish here"}
	errBusy         = &envelope.Error{Code: envelope.Busy, Message: "too many messages are on their way; send this one again soon"}
)

// receipt is the outcome of a message on its way back to its publisher.
type receipt struct {
	fd     int32
	gen    uint32 // of the connection: another may have its descriptor by now
	ref    envelope.Ref
	stored envelope.Stored
	fault  *envelope.Error
}

// inbox is where receipts wait for their loop. The loop is handed one task for many.
type inbox struct {
	mu       sync.Mutex
	receipts []receipt // guarded by mu
	spare    []receipt // owned by the event loop
}

// deliverReceipt hands a receipt to the loop. Safe for concurrent use.
func (l *Loop) deliverReceipt(r receipt) {
	in := &l.envelopes.inbox
	in.mu.Lock()
	in.receipts = append(in.receipts, r)
	first := len(in.receipts) == 1
	in.mu.Unlock()
	if first {
		l.epoll.Post(l.takeReceipts)
	}
}

// takeReceipts answers the publishers of all messages whose outcome has come.
func (l *Loop) takeReceipts() {
	in := &l.envelopes.inbox
	in.mu.Lock()
	all := in.receipts
	in.receipts = in.spare[:0]
	in.mu.Unlock()
	for rest := all; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].fd == rest[0].fd {
			n++
		}
		l.acknowledge(rest[:n])
		rest = rest[n:]
	}
	clear(all)
	in.spare = all
}

// acknowledge answers some publications of one connection, if it is still there.
func (l *Loop) acknowledge(receipts []receipt) {
	c := l.epoll.At(receipts[0].fd)
	l.out = l.out[:0]
	end := epoll.ReasonNone
	for i := 0; i < len(receipts) && end == epoll.ReasonNone; i++ {
		r := &receipts[i]
		if c.Gen() != r.gen || c.State().phase != Open {
			continue
		}
		l.landed(c)
		if r.fault != nil {
			l.refuseCommand(r.ref, r.fault)
		} else {
			l.reply(envelope.AppendStored(l.envelopes.text, r.ref, r.stored.ID, r.stored.Duplicate))
		}
		end = l.flushMany(c)
	}
	if end == epoll.ReasonNone {
		end = l.flushAnswers(c)
	}
	if end != epoll.ReasonNone {
		l.finish(c, end)
	}
}

// landed counts a message of c that is no longer on its way.
func (l *Loop) landed(c *conn) {
	flying := l.envelopes.flying
	if flying[c.FD()]--; flying[c.FD()] <= 0 {
		delete(flying, c.FD())
	}
}
