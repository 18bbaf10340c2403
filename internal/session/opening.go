package session

import (
	"bytes"
	"errors"
	"strings"

	"tickgate/internal/auth"
	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/topic"
	"tickgate/internal/wire"
)

// openings are the views of patterns that clients of this loop wait for. The hub makes them on another goroutine: with 100,000
// topics the loop would stand still for tens of milliseconds. It is owned by the event loop.
type openings struct {
	asked map[string]map[int32]struct{} // by pattern: descriptors of those who wait
	ready []int32                       // descriptors of those who may go on
}

// opening is the error of a request that has to wait for the view of that pattern.
type opening string

// Error implements error.
func (o opening) Error() string { return "the view of " + string(o) + " is being made" }

// startCost is what a session that begins counts in sends.
const startCost = 8

// haveViews has the views made that patterns among names lack. If there are such, it returns the last as an opening: views
// are made in the order in which they are asked for.
func (l *Loop) haveViews(names []string) (err error) {
	for _, name := range names {
		if !topic.IsWild(name) || l.cfg.Hub.Lookup(name) != nil {
			continue
		}
		pattern := name
		if l.openings.asked[name] == nil {
			pattern = strings.Clone(name) // it is a part of a request
			if err := l.cfg.Hub.Prepare(pattern, func() { l.epoll.Post(func() { l.opened(pattern) }) }); err != nil {
				return l.notOpened(err)
			}
			l.openings.asked[pattern] = make(map[int32]struct{})
		}
		err = opening(pattern)
	}
	return err
}

// awaitView makes a connection wait for a view.
func (l *Loop) awaitView(fd int32, o opening) { l.openings.asked[string(o)][fd] = struct{}{} }

// leaveView is told that a connection does not wait any more.
func (l *Loop) leaveView(fd int32, pattern string) {
	if waiting := l.openings.asked[pattern]; waiting != nil {
		delete(waiting, fd)
	}
}

// opened is told that the view of a pattern is there, or cannot be made, which those who wait find out.
func (l *Loop) opened(pattern string) {
	o := &l.openings
	for fd := range o.asked[pattern] {
		o.ready = append(o.ready, fd)
	}
	delete(o.asked, pattern)
	if len(o.ready) > 0 {
		l.epoll.Kick()
	}
}

// goOn lets some of those whose view is there begin, at least one and for about budget sends. It returns what that cost.
func (l *Loop) goOn(budget int) (used int) {
	o := &l.openings
	for n := 0; len(o.ready) > 0 && (n == 0 || used < budget); n++ {
		fd := o.ready[0]
		if o.ready = o.ready[1:]; len(o.ready) == 0 {
			o.ready = nil // after a restart there may be many
		}
		used += startCost
		if w := l.waiting[fd]; w != nil && w.pattern != "" {
			l.decide(w, w.verdict, nil)
		} else if a := l.envelopes.aside[fd]; a != nil {
			l.resumeCommands(l.epoll.At(fd), a)
		}
	}
	return used
}

// beginLater puts a request aside until a view is there, with HeaderTimeout once more to wait. HandshakeBacklog bounds how many
// there are.
func (l *Loop) beginLater(c *conn, r *wire.Request, v *auth.Verdict, o opening) {
	w := &waiter{fd: c.FD(), transport: l.route(string(r.Path)), head: bytes.Clone(r.Raw), pattern: string(o), verdict: v}
	l.waiting[w.fd] = w
	l.awaitView(w.fd, o)
	l.epoll.SetTimer(c, l.cfg.HeaderTimeout)
}

// aside are commands of an envelope session that wait: the first for a view, the others for the first, because answers come in
// the order of the commands.
type aside struct {
	pattern  string
	commands [][]byte
}

// maxAside bounds the commands of one session that wait for a view. Their bytes count towards maxPartial.
const maxAside = 64

// mustWait reports whether a command has to wait for an earlier one of its session.
func (l *Loop) mustWait(c *conn, k envelope.Kind) bool {
	return (k == envelope.Sub || k == envelope.Unsub) && l.envelopes.aside[c.FD()] != nil
}

// putAside keeps a copy of a command. If o is not empty, it is the one that waits for that view.
func (l *Loop) putAside(c *conn, text []byte, o opening) *envelope.Error {
	e := &l.envelopes
	a := e.aside[c.FD()]
	if a == nil {
		a = &aside{pattern: string(o)}
	}
	if len(a.commands) >= maxAside || e.held+len(text) > max(maxPartial, l.cfg.MaxInbound) {
		return errAside
	}
	a.commands = append(a.commands, bytes.Clone(text))
	e.held += len(text)
	e.aside[c.FD()] = a
	if o != "" {
		l.awaitView(c.FD(), o)
	}
	return nil
}

var errAside = &envelope.Error{Code: envelope.Busy, Message: "too many commands wait for a pattern that is being opened; wait for an answer"}

// resumeCommands obeys commands that have waited. One of them may have to wait again, and those behind it.
func (l *Loop) resumeCommands(c *conn, a *aside) {
	l.forgetAside(c)
	l.out = l.out[:0]
	end := epoll.ReasonNone
	for i := 0; i < len(a.commands) && end == epoll.ReasonNone; i++ {
		if end = l.act(c, a.commands[i], l.envelopes.command.Decode(a.commands[i])); end == epoll.ReasonNone {
			end = l.flushMany(c)
		}
	}
	if end == epoll.ReasonNone {
		end = l.flushAnswers(c)
	}
	if end != epoll.ReasonNone {
		l.finish(c, end)
	}
}

// forgetAside drops the commands that wait.
func (l *Loop) forgetAside(c *conn) {
	e := &l.envelopes
	a := e.aside[c.FD()]
	if a == nil {
		return
	}
	for _, text := range a.commands {
		e.held -= len(text)
	}
	delete(e.aside, c.FD())
	l.leaveView(c.FD(), a.pattern)
}

// notOpened is the refusal that tells why the hub does not open a topic or a view.
func (l *Loop) notOpened(err error) error {
	switch {
	case errors.Is(err, topic.ErrSyntax):
		return badTopic(err)
	case errors.Is(err, hub.ErrViews):
		return l.unavailable("too_many_patterns", "too many different patterns are subscribed to; come back later, or name topics")
	}
	return l.unavailable("no_room_for_topic", "too many topics without messages; come back later")
}
