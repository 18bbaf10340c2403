package session

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// onCommand obeys a command, or says why not. Answers gather in l.out. The text is used during the call only. It returns
// why the session ends, ReasonNone if it does not.
func (l *Loop) onCommand(c *conn, text []byte) epoll.Reason {
	cmd := &l.envelopes.command
	fault := cmd.Decode(text)
	if fault == nil {
		l.counters.Commands[cmd.Kind]++
	}
	return l.act(c, text, fault)
}

// act obeys the command that has just been decoded from text, or says that it could not be.
func (l *Loop) act(c *conn, text []byte, fault *envelope.Error) epoll.Reason {
	cmd := &l.envelopes.command
	switch {
	case fault != nil:
	case l.mustWait(c, cmd.Kind):
		fault = l.putAside(c, text, "")
	default:
		var end epoll.Reason
		if end, fault = l.obey(c, cmd, text); end != epoll.ReasonNone {
			return end
		}
	}
	if fault != nil {
		l.refuseCommand(cmd.Ref, fault)
	}
	return epoll.ReasonNone
}

// obey does what a command says, which was decoded from text. Those that are answered at once append their answers; a pub is
// answered later, and so is a sub that has to wait for a view.
func (l *Loop) obey(c *conn, cmd *envelope.Command, text []byte) (epoll.Reason, *envelope.Error) {
	switch cmd.Kind {
	case envelope.Sub:
		end, err := l.sub(c, cmd)
		if o := opening(""); errors.As(err, &o) {
			return end, l.putAside(c, text, o)
		} else if err != nil {
			return end, faultOf(err)
		}
		return end, nil
	case envelope.Unsub:
		l.unsub(c, cmd)
		return epoll.ReasonNone, nil
	case envelope.Pub:
		return epoll.ReasonNone, l.pub(c, cmd)
	default:
		return epoll.ReasonNone, l.auth(c, cmd)
	}
}

// refuseCommand answers a command with an error.
func (l *Loop) refuseCommand(ref envelope.Ref, fault *envelope.Error) {
	l.counters.CommandErrors[fault.Code]++
	short := envelope.Error{Code: fault.Code, Message: fault.Message}
	if len(short.Message) > maxExplained {
		short.Message = strings.ToValidUTF8(short.Message[:maxExplained], "") + "…"
	}
	l.reply(envelope.AppendError(l.envelopes.text, ref, &short))
}

// sub subscribes to all topics of a command or to none. Those that the session has already stay as they are.
func (l *Loop) sub(c *conn, cmd *envelope.Command) (epoll.Reason, error) {
	w, s := &l.subscribe, c.State()
	*w = wire.Subscribe{Topics: w.Topics[:0], LastEventID: string(cmd.Since), Last: cmd.Last, Interval: cmd.Interval}
	for _, name := range cmd.Topics {
		w.Topics = append(w.Topics, string(name))
	}
	held := l.leaveOutHeld(w, s.first)
	if n := held + len(w.Topics); n > l.cfg.MaxTopics {
		return epoll.ReasonNone, tooManyTopics(n, l.cfg.MaxTopics)
	}
	id := ""
	if w.LastEventID == "" {
		id = l.cfg.Hub.LastID() // before the cursors: what comes in between is newer
	}
	starts, err := l.starts(w, Envelope, l.verdict(c))
	if err != nil {
		return epoll.ReasonNone, err
	}
	l.reply(envelope.AppendSubscriptions(l.envelopes.text, cmd.Ref, held+len(starts), id))
	end := l.tellGaps(c, starts)
	if end == epoll.ReasonNone {
		l.follow(c, starts)
	}
	return end, nil
}

// leaveOutHeld takes those topics out of w that come twice or that the session has a subscription for, and returns how many
// it has.
func (l *Loop) leaveOutHeld(w *wire.Subscribe, first hub.SubID) (held int) {
	slices.Sort(w.Topics)
	w.Topics = slices.Compact(w.Topics)
	for t := range l.fanout.Topics(first) {
		held++
		if i, found := slices.BinarySearch(w.Topics, t.Name()); found {
			w.Topics = slices.Delete(w.Topics, i, i+1)
		}
	}
	return held
}

// tellGaps tells an envelope session what is missing where it begins.
func (l *Loop) tellGaps(c *conn, starts []start) epoll.Reason {
	for _, s := range starts {
		if !s.gap {
			continue
		}
		g := envelope.Gap{Topic: s.topic.Name(), Requested: quote(l.subscribe.LastEventID), Oldest: s.topic.OldestID()}
		l.reply(envelope.AppendGap(l.envelopes.text, g))
		if end := l.flushMany(c); end != epoll.ReasonNone {
			return end
		}
	}
	return epoll.ReasonNone
}

// unsub ends subscriptions; names of others do not matter. From the answer on no message comes because of these.
func (l *Loop) unsub(c *conn, cmd *envelope.Command) {
	s, held := c.State(), 0
	var ended []*hub.Topic
	slices.SortFunc(cmd.Topics, bytes.Compare)
	for t := range l.fanout.Topics(s.first) {
		if _, found := slices.BinarySearchFunc(cmd.Topics, t.Name(), compareName); found {
			ended = append(ended, t)
		} else {
			held++
		}
	}
	for _, t := range ended {
		s.first = l.fanout.Unsubscribe(s.first, t)
	}
	l.reply(envelope.AppendSubscriptions(l.envelopes.text, cmd.Ref, held, ""))
}

func compareName(name []byte, to string) int { return strings.Compare(string(name), to) }

// faultOf is the refusal of a request as that of a command.
func faultOf(err error) *envelope.Error {
	var refusal *wire.HTTPError
	if !errors.As(err, &refusal) {
		panic("BUG: a command was refused with " + err.Error())
	}
	return &envelope.Error{Code: refusal.Code, Message: refusal.Message}
}
