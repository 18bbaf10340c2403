package session

import (
	"math"
	"time"

	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// envelopes is what the sessions of the subprotocol tickgate.v1 need beside their State. It is owned by the event loop, but
// for the inbox. The maps hold those that have something to hold: an idle session costs nothing here.
type envelopes struct {
	command envelope.Command  // scratch
	unpack  wire.Inflater     // of compressed commands
	plain   []byte            // scratch for what it restores
	text    []byte            // scratch for an answer before it has a frame
	partial map[int32]partial // by descriptor: commands of which the end has not come
	held    int               // bytes of these, and of those aside
	flying  map[int32]int     // by descriptor: messages on their way to the stream
	leases  map[int32]*lease  // by descriptor: what sessions with a token may do
	aside   map[int32]*aside  // by descriptor: commands that wait for a view
	inbox   inbox
}

// partial is the beginning of a command.
type partial struct {
	text  []byte
	began time.Time
}

func newEnvelopes() envelopes {
	return envelopes{
		partial: make(map[int32]partial), flying: make(map[int32]int), leases: make(map[int32]*lease), aside: make(map[int32]*aside),
	}
}

const (
	// answersAtOnce is how many bytes of answers gather before they are written.
	answersAtOnce = 4 << 10
	// maxAnswers bounds the answers that wait for a client that does not read. It leaves room in maxPending for the notice
	// of a gap and a close frame.
	maxAnswers = maxPending - 1<<10
	// maxExplained bounds the message of an error in bytes; JSON may make six of one.
	maxExplained = 512
	// maxPartial bounds the commands of one loop that have come in part, in bytes. Those that come in one read, as most do,
	// do not count.
	maxPartial = 16 << 20
)

// onPart acts on a part of the frames of an envelope session. It returns why the session ends, ReasonNone if it does not;
// the close frame is in l.out then.
func (l *Loop) onPart(c *conn, part *wire.Part) epoll.Reason {
	end := epoll.ReasonNone
	switch {
	case part.Kind == wire.Ping:
		l.out = wire.AppendPong(l.out, part.Payload)
	case part.Kind == wire.Data && part.Op != wire.OpText:
		return l.farewell(c, UnsupportedData, &wire.CloseError{Code: wire.CloseUnsupportedData, Reason: "commands are JSON in text frames"})
	case part.Kind == wire.Data && part.First && part.Final:
		end = l.onText(c, part.Payload, part.Packed)
	case part.Kind == wire.Data:
		end = l.collect(c, part)
	}
	if end != epoll.ReasonNone {
		return end
	}
	return l.flushMany(c)
}

// onText acts on a whole command, which may have come compressed; then its length and its UTF-8 are still to be checked, and
// it counts with the bytes that it restores to: 100 bytes can stand for 64 KiB.
func (l *Loop) onText(c *conn, text []byte, packed bool) epoll.Reason {
	if !packed {
		return l.onCommand(c, text)
	}
	e := &l.envelopes
	plain, err := e.unpack.AppendText(e.plain[:0], text, l.cfg.MaxInbound)
	if err != nil {
		end, fault := frameFault(err)
		return l.farewell(c, end, fault)
	}
	e.plain = plain
	if !l.inbound.takeBytes(c.State(), max(0, len(plain)-len(text))) {
		return l.farewell(c, InboundBytes, l.inbound.overdrawn(InboundBytes))
	}
	return l.onCommand(c, plain)
}

// collect keeps a part of a command, and acts on the command once it is whole.
func (l *Loop) collect(c *conn, part *wire.Part) epoll.Reason {
	e := &l.envelopes
	p := e.partial[c.FD()]
	e.held -= cap(p.text)
	p.text = append(p.text, part.Payload...)
	e.held += cap(p.text)
	if part.First {
		p.began = time.Now()
	}
	e.partial[c.FD()] = p
	switch {
	case part.Final:
		defer l.forgetPartial(c)
		return l.onText(c, p.text, part.Packed)
	case part.First && !l.draining: // whose timer it is then
		l.watch(c)
	}
	if e.held <= max(maxPartial, l.cfg.MaxInbound) {
		return epoll.ReasonNone
	}
	if end := l.flushAnswers(c); end != epoll.ReasonNone {
		return end
	}
	l.out = wire.AppendCloseRetry(l.out, wire.CloseOverloaded, l.comeBack())
	return Overloaded
}

// untilCommand returns how long the command of which a part has come may take yet.
func (l *Loop) untilCommand(c *conn) time.Duration {
	if c.State().transport != Envelope {
		return math.MaxInt64
	}
	p, ok := l.envelopes.partial[c.FD()]
	if !ok {
		return math.MaxInt64
	}
	return l.cfg.CommandTime - time.Since(p.began)
}

// loseCommand ends a session whose command does not come to an end.
func (l *Loop) loseCommand(c *conn) {
	l.out = l.out[:0]
	l.finish(c, l.farewell(c, CommandTimeout, &wire.CloseError{Code: wire.ClosePolicy, Reason: "the command did not arrive in time"}))
}

func (l *Loop) forgetPartial(c *conn) {
	e := &l.envelopes
	e.held -= cap(e.partial[c.FD()].text)
	delete(e.partial, c.FD())
}

// forgetEnvelope drops what is kept for a session that ends.
func (l *Loop) forgetEnvelope(c *conn) {
	l.forgetPartial(c)
	l.forgetAside(c)
	delete(l.envelopes.flying, c.FD())
	delete(l.envelopes.leases, c.FD())
}

// reply appends an answer to l.out, in a frame. The text has been appended to l.envelopes.text.
func (l *Loop) reply(text []byte) {
	l.envelopes.text = text[:0]
	l.out = wire.AppendFrame(l.out, wire.OpText, text)
}

// flushMany is flushAnswers once many answers have gathered: what one write leaves behind must fit into maxPending.
func (l *Loop) flushMany(c *conn) epoll.Reason {
	if len(l.out) < answersAtOnce {
		return epoll.ReasonNone
	}
	return l.flushAnswers(c)
}

// flushAnswers writes the answers in l.out. While the client does not take them, nothing more is read from it; one that had
// sent too many commands by then is told to go.
func (l *Loop) flushAnswers(c *conn) epoll.Reason {
	switch {
	case len(l.out) == 0 || !c.Alive():
		return epoll.ReasonNone
	case c.IsBlocked() && l.epoll.Pending(c)+len(l.out) > maxAnswers:
		l.out = wire.AppendCloseFrame(l.out[:0], wire.CloseSlowConsumer, "answers are not read: read before sending more")
		return AnswersUnread
	case l.epoll.Write(c, l.out) == epoll.Partial:
		l.epoll.PauseRead(c)
	}
	l.out = l.out[:0]
	return epoll.ReasonNone
}

// farewell puts a close frame into l.out, behind the answers that a session of envelopes has to get before. It returns
// why the session ends: because of end, or because the answers are not read.
func (l *Loop) farewell(c *conn, end epoll.Reason, fault *wire.CloseError) epoll.Reason {
	if c.State().transport == Envelope {
		if unread := l.flushAnswers(c); unread != epoll.ReasonNone {
			return unread
		}
	}
	l.out = wire.AppendCloseFrame(l.out, fault.Code, fault.Reason)
	return end
}
