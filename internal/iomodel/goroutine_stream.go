package iomodel

import (
	"cmp"
	"errors"
	"math"
	"os"
	"time"

	"tickgate/internal/hub"
)

// sink is where a session's bytes go.
type sink interface {
	// write sends b at once and waits until the kernel has taken it.
	write(b []byte) error
	// expect is called before a ping is written: the client must answer within the time d.
	expect(d time.Duration)
}

// stream writes what one subscriber gets. It belongs to the session's writing goroutine.
type stream struct {
	core   *core
	sub    *subscriber
	out    sink
	last   uint64    // position of the newest message that the client has got or did not ask for
	active time.Time // when something was written last
}

// run sends greeting, the newest message and then whatever comes, until the session ends or closed is closed. It
// returns why.
func (s *stream) run(greeting []byte, closed <-chan struct{}) reason {
	defer close(s.sub.gone)
	const never = math.MaxInt64
	beat := time.NewTimer(cmp.Or(s.core.cfg.Heartbeat, never))
	defer beat.Stop()
	err := s.write(greeting)
	if m := s.core.newest(); m != nil && err == nil {
		s.last = m.Pos() - 1
		err = s.deliver(m)
	}
	for err == nil {
		select {
		case m := <-s.sub.news:
			err = s.deliver(m)
		case n := <-s.sub.control:
			if err = s.write(n.bytes); n.end != none {
				return n.end
			}
		case <-beat.C:
			err = s.beat(beat)
		case <-closed:
			return peerClosed
		}
	}
	return writeFault(err)
}

// deliver sends m unless the client has it.
func (s *stream) deliver(m *hub.Message) error {
	if m.Pos() <= s.last {
		return nil
	}
	if err := s.write(m.Frame(s.sub.transport.format())); err != nil {
		return err
	}
	s.core.deliveries.Add(1)
	if skipped := m.Pos() - s.last - 1; skipped > 0 {
		s.core.skipped.Add(skipped)
	}
	s.last = m.Pos()
	return nil
}

func (s *stream) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := s.out.write(b); err != nil {
		return err
	}
	s.active = time.Now()
	s.core.bytesOut.Add(uint64(len(b)))
	return nil
}

// beat sends a heartbeat if the connection has been silent for that long, and sets the timer again.
func (s *stream) beat(timer *time.Timer) error {
	cfg := &s.core.cfg
	silence := min(time.Since(s.active), time.Since(time.Unix(0, s.sub.heard.Load())))
	if silence < cfg.Heartbeat {
		timer.Reset(cfg.Heartbeat - silence)
		return nil
	}
	timer.Reset(cfg.Heartbeat)
	s.out.expect(cfg.pongPatience())
	return s.write(heartbeat(s.sub.transport))
}

// writeFault says why a write failed.
func writeFault(err error) reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return writeTimeout
	}
	return peerReset
}
