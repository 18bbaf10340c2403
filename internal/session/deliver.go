package session

import (
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// split sorts a batch by format, since each format has its own frame.
type split struct {
	conns  [2][]int32
	places [2][]int // where in the batch
	status []epoll.Status
}

var splitFormats = [2]hub.Format{hub.RawWS, hub.SSE}

// SendMany implements hub.Sink.
func (l *Loop) SendMany(m *hub.Message, conns []int32, out []hub.Delivery) {
	sp := &l.split
	for i := range sp.conns {
		sp.conns[i], sp.places[i] = sp.conns[i][:0], sp.places[i][:0]
	}
	for place, fd := range conns {
		i := 0
		if l.epoll.At(fd).State().transport == SSE {
			i = 1
		}
		sp.conns[i] = append(sp.conns[i], fd)
		sp.places[i] = append(sp.places[i], place)
	}
	for i, fds := range sp.conns {
		if len(fds) > 0 {
			l.sendFormat(m.Frame(splitFormats[i]), i, out)
		}
	}
}

// sendFormat sends one frame to the connections of its part of the batch.
func (l *Loop) sendFormat(frame []byte, part int, out []hub.Delivery) {
	sp := &l.split
	for len(sp.status) < len(sp.conns[part]) {
		sp.status = append(sp.status, 0)
	}
	status := sp.status[:len(sp.conns[part])]
	l.epoll.SendMany(frame, sp.conns[part], status)
	for i, place := range sp.places[part] {
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
	if c.State().transport == SSE {
		l.out = wire.AppendSSEGap(l.out[:0], t.Name(), "", t.OldestID())
		l.out = wire.AppendSSERetry(l.out, l.jitter(0, streamRetryLeast))
	} else {
		l.out = wire.AppendCloseFrame(l.out[:0], wire.CloseSlowConsumer, "slow consumer: resume from the last id")
	}
	l.epoll.Write(c, l.out)
	l.close(c, SlowConsumer)
}
