package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// shortPatience is how long a stream may be shorter than what was read from it before that counts as a loss. A leader
// that has been deposed without knowing it yet, or has just been elected, answers with less than there is; the first
// notices within 10 s (nats-server v2.15.2, raft.go, lostQuorumInterval).
const shortPatience = 15 * time.Second

// errShort ends an attempt to read from a stream that is not as long as what was read.
var errShort = errors.New("the stream is shorter than what was read from it")

// errAnew ends an attempt to read: the next one begins with the first message of the stream.
var errAnew = errors.New("the stream has begun anew")

// follow finds out, after a consumer has been made, whether the external stream is still the one that was read
// before. It looks after the making, so that the consumer cannot belong to a later stream than the one looked at.
func (s *Subscription) follow(ctx context.Context) error {
	if !s.bus.endpoint.External {
		return nil // its messages end with its process, or are in the files
	}
	stream, err := s.bus.js.Stream(ctx, Stream)
	if err != nil {
		return fmt.Errorf("look at the stream: %w", err)
	}
	info := stream.CachedInfo()
	if err := led(info); err != nil {
		return err
	}
	s.bus.adopt(info)
	if epoch := epochOf(info); epoch != s.epoch {
		s.restart(info)
		return errAnew
	}
	return s.continues(ctx, stream)
}

// continues returns an error if the stream of the same epoch does not hold what was read from it, as when servers have
// lost their disks, or have kept the stream in memory.
func (s *Subscription) continues(ctx context.Context, stream jetstream.Stream) error {
	info := stream.CachedInfo()
	if s.last.IsZero() { // nothing to compare with
		return nil
	}
	if newest := info.State.LastSeq; newest+1 < s.next {
		if s.short.IsZero() {
			s.short = time.Now()
		}
		if time.Since(s.short) < shortPatience {
			return fmt.Errorf("%w: it ends with message %d, and %d has been read", errShort, newest, s.next-1)
		}
		return s.lose(info)
	}
	m, err := stream.GetMsg(ctx, s.next-1)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // dropped by the stream's limits
		return nil
	case err != nil:
		return fmt.Errorf("look at message %d: %w", s.next-1, err)
	case !m.Time.Equal(s.last):
		return s.lose(info)
	}
	return nil
}

// lose notes that the stream has lost messages, and gives out their sequences again.
func (s *Subscription) lose(info *jetstream.StreamInfo) error {
	s.bus.log.Error("the stream has lost messages that it had acknowledged, and gives out their ids again; clients are told of a gap. "+
		"Files on three servers, and --nats-replicas 3, survive the loss of one", "read", s.next-1, "newest", info.State.LastSeq)
	s.restart(info)
	return errAnew
}

// restart begins with the first message of the stream as it is now.
func (s *Subscription) restart(info *jetstream.StreamInfo) {
	s.epoch, s.next, s.last, s.short, s.anew = epochOf(info), 0, time.Time{}, time.Time{}, true
	if !s.live {
		s.goLive() // the history that was waited for is gone
	}
}
