package session

import (
	"fmt"
	"math"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

const (
	// creditUnit is the resolution of what a client may send: 32 bits of it last 4.7 hours, and a session's timer, which settles what is
	// paid for, comes every hour at the latest.
	creditUnit  = 4 * time.Microsecond
	creditUnits = uint64(time.Second / creditUnit)
	// inboundBurst is how long a client may have been silent, or the network or the gateway have stalled, and what it has saved up in
	// that time be taken at once.
	inboundBurst = 5 * time.Second
	// frameOverhead is what a message is longer on the wire, if it comes in one frame (RFC 6455 §5.2).
	frameOverhead = 14
)

// credit is how much of a rate a client has used: the time up to which what it has sent so far is paid for, in units, 0 for none (the
// generic cell rate algorithm). A client that keeps within its rate stays near the clock, one that exceeds it runs ahead.
type credit uint32

// spend pays cost at the time now, unless the client would run further ahead of the clock than depth.
func (c *credit) spend(now, cost, depth uint32) bool {
	ahead := uint32(*c) - now
	if *c == 0 || ahead > depth { // far ahead is behind: the clock goes round
		ahead = 0
	}
	if cost > depth-ahead {
		return false
	}
	*c = credit(max(1, now+ahead+cost))
	return true
}

// settle forgets what is paid for, so that it is not taken for a debt when the clock has gone round.
func (c *credit) settle(now, depth uint32) {
	if uint32(*c)-now > depth {
		*c = 0
	}
}

// tariff is what sending costs at a rate. The zero value asks for nothing.
type tariff struct {
	rate  uint64 // a second
	depth uint32 // how far ahead of the clock a client may be, in units
	close wire.CloseError
	end   epoll.Reason
}

// cost returns the price of n messages or bytes, rounded up.
func (t *tariff) cost(n int) uint32 {
	return uint32(min(math.MaxUint32, (uint64(n)*creditUnits+t.rate-1)/t.rate))
}

// newTariff returns the tariff of a rate a second, 0 for none. At least once n are taken at a time.
func newTariff(rate, n int) tariff {
	if rate == 0 {
		return tariff{}
	}
	t := tariff{rate: uint64(rate)}
	t.depth = max(uint32(inboundBurst/creditUnit), min(t.cost(n), math.MaxUint32/4))
	return t
}

// inbound bounds what the clients of a loop send.
type inbound struct {
	messages, bytes tariff
	start           time.Time // of the clock
	now             uint32    // at the read at hand
}

func newInbound(c *Config) inbound {
	in := inbound{
		messages: newTariff(c.MaxInboundRate, 1), bytes: newTariff(c.MaxInboundBytes, c.MaxInbound+frameOverhead), start: time.Now(),
	}
	in.messages.end, in.bytes.end = InboundRate, InboundBytes
	in.messages.close = wire.CloseError{Code: wire.ClosePolicy, Reason: fmt.Sprintf("inbound rate: more than %d messages a second", c.MaxInboundRate)}
	in.bytes.close = wire.CloseError{Code: wire.ClosePolicy, Reason: fmt.Sprintf("inbound bytes: more than %d bytes a second", c.MaxInboundBytes)}
	return in
}

// bounds reports whether a transport's clients are bound at all. Conformance suites flood /echo on purpose.
func (in *inbound) bounds(t Transport) bool { return t != Echo && in.messages.rate|in.bytes.rate != 0 }

// tick reads the clock, for all that one read of a socket brings in.
func (in *inbound) tick() { in.now = uint32(time.Since(in.start) / creditUnit) }

// takeMessages reports whether the client of s may send n more messages, commands or control frames now; if not, the session ends with
// what overdrawn returns for InboundRate.
func (in *inbound) takeMessages(s *State, n int) bool {
	t := &in.messages
	return t.rate == 0 || s.transport == Echo || s.messages.spend(in.now, t.cost(n), t.depth)
}

// takeBytes is takeMessages for bytes, whatever they mean, and InboundBytes.
func (in *inbound) takeBytes(s *State, n int) bool {
	t := &in.bytes
	return t.rate == 0 || s.transport == Echo || s.bytes.spend(in.now, t.cost(n), t.depth)
}

// settle forgets what a client has paid for; see credit.settle.
func (in *inbound) settle(s *State) {
	if s.messages|s.bytes != 0 {
		in.tick()
		s.messages.settle(in.now, in.messages.depth)
		s.bytes.settle(in.now, in.bytes.depth)
	}
}

// overdrawn returns the close frame for a session that ends with reason, InboundRate or InboundBytes.
func (in *inbound) overdrawn(reason epoll.Reason) *wire.CloseError {
	if reason == InboundBytes {
		return &in.bytes.close
	}
	return &in.messages.close
}

// onUpstream deals with what the client of an event stream sends: nobody needs it, and a little is ignored.
func (l *Loop) onUpstream(c *conn, n int) {
	if l.inbound.bounds(SSE) {
		l.inbound.tick()
		if !l.inbound.takeBytes(c.State(), n) {
			l.close(c, InboundBytes)
		}
	}
}
