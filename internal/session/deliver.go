package session

import (
	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// split sorts a batch by format, since each format has its own frame.
type split struct {
	conns  [hub.Formats][]int32
	places [hub.Formats][]int // where in the batch
	status []epoll.Status
}

// SendMany implements hub.Sink.
func (l *Loop) SendMany(m *hub.Message, conns []int32, out []hub.Delivery) {
	sp := &l.split
	for f := range sp.conns {
		sp.conns[f], sp.places[f] = sp.conns[f][:0], sp.places[f][:0]
	}
	for place, fd := range conns {
		f := l.epoll.At(fd).State().format()
		sp.conns[f] = append(sp.conns[f], fd)
		sp.places[f] = append(sp.places[f], place)
	}
	for f := range sp.conns {
		if len(sp.conns[f]) > 0 {
			l.sendFormat(m, hub.Format(f), out)
		}
	}
}

// sendFormat sends one frame to the connections of its part of the batch.
func (l *Loop) sendFormat(m *hub.Message, f hub.Format, out []hub.Delivery) {
	sp := &l.split
	for len(sp.status) < len(sp.conns[f]) {
		sp.status = append(sp.status, 0)
	}
	status := sp.status[:len(sp.conns[f])]
	l.epoll.SendMany(m.Frame(f), sp.conns[f], status)
	for i, place := range sp.places[f] {
		out[place] = deliveries[status[i]]
	}
}

// deliveries says what a send's outcome is to the hub: of a Partial send the rest is remembered, so it is done.
var deliveries = [...]hub.Delivery{
	epoll.Sent: hub.Delivered, epoll.Partial: hub.Delivered, epoll.Blocked: hub.Blocked, epoll.Failed: hub.Gone,
}

// Overrun implements hub.Sink: the client is told of the gap and closed, so that it comes back and resumes.
func (l *Loop) Overrun(fd int32, t *hub.Topic) {
	c := l.epoll.At(fd)
	if !c.Alive() {
		return
	}
	l.out = l.out[:0]
	switch c.State().transport {
	case SSE:
		l.out = wire.AppendSSEGap(l.out, t.Name(), "", t.OldestID())
		l.out = wire.AppendSSERetry(l.out, l.jitter(0, streamRetryLeast))
	case Envelope:
		l.reply(envelope.AppendGap(l.envelopes.text, envelope.Gap{Topic: t.Name(), Oldest: t.OldestID()}))
		fallthrough
	default:
		l.out = wire.AppendCloseFrame(l.out, wire.CloseSlowConsumer, "slow consumer: resume from the last id")
	}
	l.finish(c, SlowConsumer)
}
