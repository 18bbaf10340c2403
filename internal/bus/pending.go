package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Pending is a message on its way to the stream. Its methods must not be called concurrently.
type Pending struct {
	// immutable
	bus   *Bus
	topic string
	place chan struct{} // where the place is given back
	named bool          // the id is the bus's own
	done  chan struct{} // closed once final

	// guarded by the outbox's mu until done is closed
	msg      *nats.Msg // nil once final
	deadline time.Time // when it is not sent again any more; zero if it never is
	sent     time.Time
	repeated bool
	final    bool
	ack      *jetstream.PubAck // nil until the stream has stored it
	err      error             // of the last attempt
}

// Resolved tells whether Wait would return at once.
func (p *Pending) Resolved() bool {
	select {
	case <-p.done:
		return p.err != nil || p.durable()
	case <-p.bus.done:
		return true
	default:
		return false
	}
}

// Wait returns the acknowledgement, once it is there. It may be called once. After the end of the context the message is
// not sent again.
func (p *Pending) Wait(ctx context.Context) (Ack, error) {
	err := p.await(ctx)
	if err == nil {
		err = p.commit(ctx)
	}
	if err != nil {
		return Ack{}, fmt.Errorf("publish: %w", err)
	}
	// A duplicate of an id that nobody else knows is the message itself, stored by an attempt without an answer.
	return Ack{Seq: p.ack.Sequence, Duplicate: p.ack.Duplicate && !p.named}, nil
}

// await waits for the stream's answer. One that is there counts, whatever has happened since.
func (p *Pending) await(ctx context.Context) error {
	select {
	case <-p.done:
		return p.outcome()
	default:
	}
	select {
	case <-p.done:
		return p.outcome()
	case <-p.bus.done:
		return p.bus.Err()
	case <-ctx.Done():
		p.bus.outbox.withdraw(p)
		return ctx.Err()
	}
}

func (p *Pending) outcome() error {
	if p.err != nil {
		return p.bus.classify(p.err)
	}
	return nil
}

// durable tells whether nothing but the stream's answer was to be waited for.
func (p *Pending) durable() bool { return p.bus.commits == nil || p.bus.commits.covers(p.ack.Sequence) }

// commit waits until the message is on the disk, if the bus promises that. When fsync fails the kernel may have
// dropped what it could not write, so that calling it again proves nothing: the bus has failed.
func (p *Pending) commit(ctx context.Context) error {
	if p.durable() {
		return nil
	}
	round := p.bus.commits.commit()
	select {
	case <-round.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if round.err != nil {
		p.bus.fail(&StorageError{Dir: p.bus.endpoint.SyncDir, Err: round.err})
		return p.bus.Err()
	}
	return nil
}

// acknowledged sees every acknowledgement as it comes, before anybody waits for it: one fsync is to serve all
// messages that are stored.
func (b *Bus) acknowledged(_ jetstream.JetStream, m *nats.Msg, ack *jetstream.PubAck) {
	if b.commits != nil {
		b.commits.store(ack.Sequence)
	}
	b.outbox.answer(m, ack, nil)
}

// refused sees every message that was not stored, or not known to be.
func (b *Bus) refused(_ jetstream.JetStream, m *nats.Msg, err error) { b.outbox.answer(m, nil, err) }

// startCommits makes acknowledgements wait for fsync if the endpoint asks for that.
func (b *Bus) startCommits() error {
	if b.endpoint.SyncDir == "" {
		return nil
	}
	files, err := newBlocks(b.endpoint.SyncDir)
	if err != nil {
		return err
	}
	b.commits = newCommitter(files.sync)
	return nil
}
