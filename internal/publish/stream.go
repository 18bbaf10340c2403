package publish

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tickgate/internal/bus"
)

// stream is POST /v1/messages: it answers line by line while it reads the request (full duplex), which net/http does for
// HTTP/1.1 on request only; by default it would read the rest of the body before it answers.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	if !take(h.streams) {
		h.refuse(w, tooMany("pipelines", cap(h.streams)))
		return
	}
	defer func() { <-h.streams }()
	grant, err := h.config.Authorizer.Authorize(r)
	if err != nil {
		h.refuse(w, err)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // lines may be far apart; the server's deadline is for bodies that are small
	if err := control.EnableFullDuplex(); err != nil {
		h.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	p := &pipeline{
		handler: h, grant: grant, control: control, out: w, ctx: r.Context(),
		lines:  newLines(r.Body, lineLimit(h.config.MaxMessage)),
		window: newWindow(h.config.Window, h.config.WindowBytes),
	}
	p.run(r.Header.Get("Expect") == "")
}

// lineLimit returns the length of the longest line: JSON may take six bytes for one of the payload (\u0000), and the
// rest of the line has the room of two attributes and a topic, escaped likewise.
func lineLimit(payload int) int { return 6*payload + 8<<10 }

// pipeline is one request. Its reading half runs on a goroutine of its own.
type pipeline struct {
	handler *Handler
	grant   Grant
	control *http.ResponseController
	out     http.ResponseWriter
	ctx     context.Context // ends with the client or the server
	lines   *lines          // owned by the reading half
	window  *window
	results []byte // owned by the writing half; not written yet
	broken  bool   // owned by the writing half; the client takes no results any more
}

// run returns when there is nothing more to read and every line has its result, or nobody to give it to.
func (p *pipeline) run(head bool) {
	// A server that stops and a client that is gone end the reading; what was read gets its result still.
	defer context.AfterFunc(p.ctx, p.stopReading)()
	if head { // a client may wait for the answer's head before it sends, unless it waits for a 100
		_ = p.control.Flush()
	}
	go p.read()
	p.write()
}

// stopReading lets the reading half fail at once.
func (p *pipeline) stopReading() { _ = p.control.SetReadDeadline(time.Unix(1, 0)) }

// read sends the lines to the stream. While the window is full it reads nothing, and TCP holds the client up.
func (p *pipeline) read() {
	defer close(p.window.queue)
	for {
		text, err := p.lines.next()
		switch {
		case errors.Is(err, errLongLine):
			p.window.queue <- sent{err: tooLarge("line", p.handler.config.MaxMessage)}
		case err != nil:
			return
		default:
			if !p.send(text) {
				return
			}
		}
	}
}

// send sends a line's message and returns false if nobody wants results any more.
func (p *pipeline) send(text []byte) bool {
	m, err := p.message(text)
	if err != nil {
		p.window.queue <- sent{err: err}
		return true
	}
	s := sent{bytes: len(m.Payload)}
	if !p.window.reserve(s.bytes) {
		return false
	}
	s.pending, s.err = p.publish(m)
	p.window.queue <- s
	return true
}

// message returns the message of a line, checked.
func (p *pipeline) message(text []byte) (bus.Msg, error) {
	m, err := parse(text)
	if err != nil {
		return m, err
	}
	if len(m.Payload) > p.handler.config.MaxMessage {
		return m, tooLarge("payload", p.handler.config.MaxMessage)
	}
	return m, p.handler.check(m, p.grant)
}

// takePatience is how long a pipeline waits for the stream to take a message: as long as an acknowledgement may take.
const takePatience = 5 * time.Second

// publish sends a message, and waits while other publishers keep the stream busy. Each attempt takes some milliseconds.
func (p *pipeline) publish(m bus.Msg) (Pending, error) {
	for start := time.Now(); ; {
		pending, err := p.handler.config.Publisher.PublishAsync(m)
		if !errors.Is(err, bus.ErrOverloaded) || p.ctx.Err() != nil || time.Since(start) > takePatience {
			return pending, err
		}
	}
}

// batch is the number of bytes of results that are written together.
const batch = 16 << 10

// write writes the results in the order of the lines.
func (p *pipeline) write() {
	for s := range p.window.queue {
		if s.err == nil && !s.pending.Resolved() {
			p.flush() // what is there must not wait for what is not
		}
		p.result(s)
		p.window.release(s.bytes)
		if len(p.results) >= batch || len(p.window.queue) == 0 {
			p.flush()
		}
	}
	p.flush()
}

// result adds the result of a line, which it waits for: the stream answers within some seconds, or the bus says that it
// will not.
func (p *pipeline) result(s sent) {
	var ack bus.Ack
	if s.err == nil {
		ack, s.err = s.pending.Wait(context.WithoutCancel(p.ctx))
	}
	if s.err != nil {
		problem := problemOf(s.err)
		p.handler.counts.fail(problem.code)
		p.results = appendProblem(p.results, problem)
	} else {
		p.handler.counts.store(ack)
		p.results = appendAck(p.results, p.handler.config.Publisher.Epoch(), ack)
	}
	p.results = append(p.results, '\n')
}

// flush writes what there is. A client that does not take it ends the reading.
func (p *pipeline) flush() {
	if len(p.results) == 0 {
		return
	}
	if !p.broken {
		_ = p.control.SetWriteDeadline(time.Now().Add(p.handler.config.Patience))
		_, err := p.out.Write(p.results)
		if err == nil {
			err = p.control.Flush()
		}
		if p.broken = err != nil; p.broken {
			p.window.end()
			p.stopReading()
		}
	}
	p.results = p.results[:0]
}
