package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// watchEvery is how often an external stream is looked at.
	watchEvery = 2 * time.Second
	// lookPatience is how long its answer may take.
	lookPatience = 3 * time.Second
	// missingPatience is how long there may be no stream until it is made again: somebody who deletes it may be about
	// to make another one.
	missingPatience = 3 * time.Second
	// openPatience is how long a cluster that is starting may take until the stream can be opened.
	openPatience = 2 * time.Minute
)

// patiently returns a function that repeats find while a cluster has not found itself together yet.
func (b *Bus) patiently(find streamFunc) streamFunc {
	return func(ctx context.Context) (jetstream.Stream, error) {
		ctx, cancel := context.WithTimeout(ctx, openPatience)
		defer cancel()
		for told := false; ; told = true {
			stream, err := findOnce(ctx, find)
			if err == nil || !starting(err) || ctx.Err() != nil {
				return stream, err
			}
			if !told {
				b.log.Warn("waiting for the NATS servers", "at most", openPatience, "error", explain(err))
			}
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(repeatEvery):
			}
		}
	}
}

// findOnce bounds an attempt: a request that no leader answers must not take the time of those that follow.
func findOnce(ctx context.Context, find streamFunc) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	return find(ctx)
}

// starting tells whether an error may go away while the servers of a cluster start.
func starting(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == codeNoPeers || api.ErrorCode == codeNoLeader
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errLeaderless)
}

// codeNoLeader is JetStream's error code for a cluster without a leader (JSClusterNotAvailErr).
const codeNoLeader = 10008

// watch looks at an external stream until the bus ends: it can lose its leader, and be made anew, while the connection
// is well.
func (b *Bus) watch() {
	var (
		failed int       // looks in a row
		gone   time.Time // since when there has been no stream, zero while there is one
	)
	for b.Err() == nil {
		select {
		case <-b.done:
			return
		case <-b.look:
		case <-time.After(watchEvery):
		}
		err := b.examine()
		if failed++; err == nil {
			failed = 0
		}
		b.judge(err, failed)
		switch missing := errors.Is(err, jetstream.ErrStreamNotFound); {
		case !missing:
			gone = time.Time{}
		case gone.IsZero():
			gone = time.Now()
		case time.Since(gone) > missingPatience && b.restore != nil:
			b.renew()
		}
	}
}

// examine asks for the stream and takes its epoch over.
func (b *Bus) examine() error {
	ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
	defer cancel()
	stream, err := b.js.Stream(ctx, Stream)
	if err != nil {
		return err
	}
	if err := led(stream.CachedInfo()); err != nil {
		return err
	}
	b.adopt(stream.CachedInfo())
	return nil
}

// errLeaderless means that most of the servers that keep the stream are away, or that they are electing a leader.
var errLeaderless = errors.New("it has no leader: too few of the servers that keep it are running")

// led returns errLeaderless if nobody can store messages. The servers that are left tell about such a stream all the same,
// and know less of it than there is.
func led(info *jetstream.StreamInfo) error {
	if info.Cluster != nil && info.Cluster.Name != "" && info.Cluster.Leader == "" {
		return errLeaderless
	}
	return nil
}

// judge says what the outcome of a look means. A single failure may be an election.
func (b *Bus) judge(err error, failed int) {
	old := b.health.stream.Load()
	switch {
	case err == nil && old != nil:
		b.health.stream.Store(nil)
		b.log.Info("the stream can be used again", "away", time.Since(old.since).Round(time.Millisecond))
	case err != nil && old == nil && failed >= 2 && b.Err() == nil:
		err = fmt.Errorf("stream %s: %w", Stream, explain(err))
		b.health.stream.Store(&trouble{err: err, since: time.Now(), limit: repeatFor})
		b.log.Warn("the stream cannot be used: nothing is stored until its servers are there again", "error", err)
	}
}

// renew makes the stream again after somebody has deleted it.
func (b *Bus) renew() {
	ctx, cancel := context.WithTimeout(context.Background(), ackPatience)
	defer cancel()
	stream, err := b.restore(ctx)
	if err != nil {
		b.log.Error("the stream has been deleted and cannot be made again", "error", explain(err))
		return
	}
	b.log.Warn("the stream had been deleted and was made again, with nothing in it", "epoch", epochOf(stream.CachedInfo()))
}

// adopt takes over the epoch of the stream as it is now.
func (b *Bus) adopt(info *jetstream.StreamInfo) {
	epoch := epochOf(info)
	if old := b.epoch.Swap(&epoch); old != nil && *old != epoch {
		b.log.Warn("the stream is another one: message ids begin anew, and clients are told of a gap", "before", *old, "now", epoch)
	}
}
