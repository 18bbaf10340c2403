package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// newestBatch is the number of messages asked for at a time; at the largest payload, 64 KiB, they take 16 MiB.
const newestBatch = 256

// Newest calls deliver with the newest message of each topic, in the order of their sequences, as far as these are below
// before: it is what a subscription from there on misses of quiet topics. Messages that the stream drops meanwhile are left
// out. It returns the first error of the stream, or of the context.
func (b *Bus) Newest(ctx context.Context, before uint64, deliver func(Msg)) error {
	consumer, err := b.js.CreateConsumer(ctx, Stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		FilterSubject:     SubjectPrefix + ">",
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idleConsumer,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("read the newest message of each topic: create consumer: %w", err)
	}
	defer func() { _ = b.conn.Publish("$JS.API.CONSUMER.DELETE."+Stream+"."+consumer.CachedInfo().Name, nil) }()
	deadline := time.Now().Add(openPatience)
	for {
		more, err := b.newestBatch(ctx, consumer, before, deliver)
		switch {
		case errors.Is(err, nats.ErrNoResponders) && ctx.Err() == nil && time.Now().Before(deadline):
			wait(ctx, holdPoll) // the consumer is on another server of a cluster, which not all of them know of yet
		case err != nil:
			return fmt.Errorf("read the newest message of each topic: %w", err)
		case !more:
			return nil
		}
	}
}

// newestBatch reads a part of the newest messages, and reports whether there may be more.
func (b *Bus) newestBatch(ctx context.Context, c jetstream.Consumer, before uint64, deliver func(Msg)) (more bool, err error) {
	batch, err := c.FetchNoWait(newestBatch)
	if err != nil {
		return false, err
	}
	for in := range batch.Messages() {
		meta, err := in.Metadata()
		if err != nil {
			return false, err
		}
		if more = meta.Sequence.Stream < before; more {
			deliver(decode(in, meta))
		}
	}
	if err := batch.Error(); err != nil {
		return false, err
	}
	return more, ctx.Err()
}
