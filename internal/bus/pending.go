package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Pending is a message on its way to the stream. Its methods must not be called concurrently.
type Pending struct {
	bus    *Bus
	future jetstream.PubAckFuture
	ack    *jetstream.PubAck // nil until the stream has answered
	err    error             // of the stream
}

// Resolved tells whether Wait would return at once.
func (p *Pending) Resolved() bool {
	if p.ack != nil {
		return p.durable()
	}
	select {
	case ack := <-p.future.Ok():
		p.stored(ack)
	case err := <-p.future.Err():
		p.err = err
	case <-p.bus.done:
		return true
	default:
	}
	return p.err != nil || p.ack != nil && p.durable()
}

// Wait returns the acknowledgement, once it is there. It may be called once.
func (p *Pending) Wait(ctx context.Context) (Ack, error) {
	err := p.await(ctx)
	if err == nil {
		err = p.commit(ctx)
	}
	if err != nil {
		return Ack{}, fmt.Errorf("publish: %w", err)
	}
	return Ack{Seq: p.ack.Sequence, Duplicate: p.ack.Duplicate}, nil
}

// await waits for the stream's answer.
func (p *Pending) await(ctx context.Context) error {
	if p.ack != nil {
		return nil
	}
	if p.err != nil {
		return p.bus.classify(p.err)
	}
	select {
	case ack := <-p.future.Ok():
		p.stored(ack)
		return nil
	case err := <-p.future.Err():
		return p.bus.classify(err)
	case <-p.bus.done:
		return p.bus.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pending) stored(ack *jetstream.PubAck) {
	p.ack = ack
	p.bus.acknowledged(nil, nil, ack)
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
func (b *Bus) acknowledged(_ jetstream.JetStream, _ *nats.Msg, ack *jetstream.PubAck) {
	if b.commits != nil {
		b.commits.store(ack.Sequence)
	}
}

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
