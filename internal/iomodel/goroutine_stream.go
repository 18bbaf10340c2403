package iomodel

import (
	"errors"
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

// stream writes what one subscriber gets.
type stream struct {
	*netServer
	sub    *subscriber
	out    sink
	last   uint64    // position of the newest message that the client has got or did not ask for
	active time.Time // when something was written last
}

// run sends greeting, the newest message and then whatever comes, until the session ends or closed is closed. It
// returns why.
func (s *stream) run(greeting []byte, closed <-chan struct{}) reason {
	defer close(s.sub.gone)
	beat, stop := s.heartbeat()
	defer stop()
	err := s.write(greeting)
	if m := s.newest(); m != nil && err == nil {
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

// heartbeat returns the session's timer, one that never fires if there are no heartbeats, and what stops it.
func (s *stream) heartbeat() (timer *time.Timer, stop func() bool) {
	if s.cfg.Heartbeat == 0 {
		return new(time.Timer), func() bool { return false }
	}
	timer = time.NewTimer(s.cfg.Heartbeat)
	return timer, timer.Stop
}

// deliver sends m unless the client has it.
func (s *stream) deliver(m *hub.Message) error {
	if m.Pos() <= s.last {
		return nil
	}
	if err := s.write(m.Frame(s.sub.transport.format())); err != nil {
		return err
	}
	s.skipped.Add(m.Pos() - s.last - 1)
	s.deliveries.Add(1)
	s.last = m.Pos()
	return nil
}

func (s *stream) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	err := s.out.write(b)
	if err == nil {
		s.active = time.Now()
		s.bytesOut.Add(uint64(len(b)))
	}
	return err
}

// beat sends a heartbeat if the connection has been silent for that long, and sets the timer again.
func (s *stream) beat(timer *time.Timer) error {
	silence := min(time.Since(s.active), time.Since(time.Unix(0, s.sub.heard.Load())))
	if silence < s.cfg.Heartbeat {
		timer.Reset(s.cfg.Heartbeat - silence)
		return nil
	}
	timer.Reset(s.cfg.Heartbeat)
	s.out.expect(s.cfg.pongPatience())
	return s.write(heartbeat(s.sub.transport))
}

// writeFault says why a write failed.
func writeFault(err error) reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return writeTimeout
	}
	return peerReset
}
