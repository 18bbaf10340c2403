package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Subscription is an ordered reading of the whole stream without gaps. All methods are safe for concurrent use.
//
// It reads through a consumer of its own making and not through the NATS client's ordered consumer, whose Stop
// waits forever when the stream is gone (nats.go v1.55.0: reset retries under the lock that Stop needs).
type Subscription struct {
	bus      *Bus
	deliver  func(Msg)
	caughtUp chan struct{}
	done     chan struct{}
	stop     sync.Once

	// owned by the goroutine that delivers
	epoch   string    // of the stream that is read
	next    uint64    // sequence that comes next, 0 if any may
	last    time.Time // when the message before it was stored, if it was delivered here
	anew    bool      // the next message is the first of a stream that began anew
	short   time.Time // since when the stream has been shorter than what was read, zero if it is not
	history uint64    // last sequence of the history
	live    bool      // caughtUp is closed

	mu       sync.Mutex
	messages jetstream.MessagesContext // guarded by mu; what is being read, nil between two attempts
}

// Subscribe calls deliver with every message of the stream from sequence from on (0 means: with all that the
// stream holds) and then with each new one, in order, exactly once, one at a time on a goroutine of its own. Over
// lost connections and restarts of the server it goes on where it was; messages that the stream has dropped
// meanwhile are reported by Msg.Gap, and an external stream that began anew by Msg.Anew. It ends with Stop, with the context, or with the bus.
func (b *Bus) Subscribe(ctx context.Context, from uint64, deliver func(Msg)) (*Subscription, error) {
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	first, last, err := b.Bounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	s := &Subscription{
		bus: b, deliver: deliver, epoch: b.Epoch(), next: from, history: last,
		caughtUp: make(chan struct{}), done: make(chan struct{}),
	}
	if max(from, first) > last {
		s.goLive()
	}
	b.subscriptions.Store(s, nil)
	go s.watch(ctx)
	go s.run()
	return s, nil
}

// CaughtUp is closed once everything that the stream held at the time of Subscribe has been delivered.
func (s *Subscription) CaughtUp() <-chan struct{} { return s.caughtUp }

// Done is closed when the subscription has ended. A last call of deliver may still be running.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Stop ends the subscription.
func (s *Subscription) Stop() { s.stop.Do(func() { close(s.done) }) }

// watch ends the subscription.
func (s *Subscription) watch(ctx context.Context) {
	select {
	case <-s.done:
	case <-ctx.Done():
	case <-s.bus.done:
	}
	s.Stop()
	s.bus.subscriptions.Delete(s)
	s.interrupt()
}

func (s *Subscription) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// interrupt ends the current attempt to read.
func (s *Subscription) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages != nil {
		s.messages.Stop()
	}
}

// run reads, attempt by attempt.
func (s *Subscription) run() {
	for !s.ended() {
		err := s.read()
		if !errors.Is(err, errShort) { // it has to be short all the time to count
			s.short = time.Time{}
		}
		if err != nil && !s.ended() {
			s.bus.log.Debug("reading from the bus interrupted", "next", s.next, "error", err)
			s.bus.verify()
			s.bus.pause(readAgain)
		}
	}
}

const (
	// readAgain is the pause before another attempt to read.
	readAgain = 100 * time.Millisecond
	// heartbeat is how often the server must say that it is there; an attempt ends when two are missing. The consumer
	// lives on one server of a cluster, whose death shows by nothing else.
	heartbeat = 2 * time.Second
	// createPatience is how long the making of a consumer may take: a server that has just died may be chosen for it.
	createPatience = 3 * time.Second
	// idleConsumer is how long the server keeps a consumer that nobody reads from, as after a crash.
	idleConsumer = time.Minute
	// readAhead is the number of messages that the server may send before they are delivered; at the
	// largest payload, 64 KiB, they take 16 MiB.
	readAhead = 256
)

// read is one attempt: it delivers what comes after the last message delivered until something is wrong.
func (s *Subscription) read() error {
	ctx, cancel := context.WithTimeout(context.Background(), createPatience)
	defer cancel()
	consumer, err := s.bus.js.CreateConsumer(ctx, Stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(s.next, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idleConsumer,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("create consumer: %w", err)
	}
	if err := s.follow(ctx); err != nil {
		s.forget(consumer)
		return err
	}
	if !s.live && consumer.CachedInfo().NumPending == 0 {
		s.goLive() // what there was is gone: deleted, or too old by now
	}
	messages, err := s.open(consumer)
	if err != nil {
		return fmt.Errorf("read from consumer: %w", err)
	}
	defer s.close(consumer)
	for expected := uint64(1); ; expected++ {
		in, err := messages.Next()
		if err != nil {
			return err
		}
		meta, err := in.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != expected {
			return fmt.Errorf("message %d of the consumer instead of %d", meta.Sequence.Consumer, expected)
		}
		if s.ended() {
			return nil
		}
		s.receive(in, meta)
	}
}

// open starts to read from a consumer, in such a way that interrupt ends it.
func (s *Subscription) open(consumer jetstream.Consumer) (jetstream.MessagesContext, error) {
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(readAhead),
		jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.messages = messages
	s.mu.Unlock()
	if s.ended() {
		messages.Stop() // interrupt may have come too early
	}
	return messages, nil
}

// close ends reading. The server is told to forget the consumer, without waiting: it would do so by itself.
func (s *Subscription) close(consumer jetstream.Consumer) {
	s.interrupt()
	s.mu.Lock()
	s.messages = nil
	s.mu.Unlock()
	s.forget(consumer)
}

func (s *Subscription) forget(consumer jetstream.Consumer) {
	_ = s.bus.conn.Publish("$JS.API.CONSUMER.DELETE."+Stream+"."+consumer.CachedInfo().Name, nil)
}

// receive delivers one message.
func (s *Subscription) receive(in jetstream.Msg, meta *jetstream.MsgMetadata) {
	m := decode(in, meta)
	if m.Seq < s.next { // of a server that is behind the others and began at its own end
		return
	}
	m.Epoch, m.Anew = s.epoch, s.anew
	m.Gap = s.anew || s.next != 0 && m.Seq > s.next
	s.next, s.last, s.anew = m.Seq+1, m.Time, false
	s.deliver(m)
	if !s.live && (m.Seq >= s.history || meta.NumPending == 0) {
		s.goLive()
	}
}

func (s *Subscription) goLive() {
	s.live = true
	close(s.caughtUp)
}
