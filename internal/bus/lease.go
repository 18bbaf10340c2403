package bus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// LeaseBucket is the key-value bucket of the leases on an external system.
	LeaseBucket = "TICKGATE_LEASES"

	// leaseFor is how long a lease lasts that is not renewed: so long nobody takes over from a process that was killed.
	leaseFor = 10 * time.Second
	// leaseStop is when a holder that could not renew stops: before anybody else can begin, whatever is on its way.
	leaseStop = 8 * time.Second
	// leaseEvery is how often a lease is renewed, and asked for.
	leaseEvery = 2 * time.Second
)

// Lead calls run while this process is the only one of an external system that may do what the name stands for, and
// again whenever it has become so. The context of run ends when it is not so any more, 2 s before another process can
// begin at the earliest; run must return then. On an embedded server, which nobody shares, it calls run once. Lead
// returns with the context or the bus, or when run returns before its context has ended.
func (b *Bus) Lead(ctx context.Context, name string, run func(context.Context)) {
	if !b.endpoint.External {
		run(ctx)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-b.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	l := &lease{bus: b, name: name, holder: holderName(b)}
	for l.acquire(ctx) && l.hold(ctx, run) {
	}
}

// holderName names a process for operators, and is unlike that of any other.
func holderName(b *Bus) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d, %s", host, os.Getpid(), b.name)
}

// lease is a key with the holder's name in a bucket that forgets keys which are not written again. It is used by one
// goroutine.
type lease struct {
	bus          *Bus
	name, holder string
	bucket       jetstream.KeyValue // nil until it was found
	revision     uint64
	renewed      time.Time // begin of the request that gave the lease last
	seen         string    // the holder that was told to the operator
}

// key returns the name in the letters that a key may have.
func (l *lease) key() string { return base64.RawURLEncoding.EncodeToString([]byte(l.name)) }

// acquire asks until it has the lease. It returns false if the context ended before.
func (l *lease) acquire(ctx context.Context) bool {
	for ctx.Err() == nil {
		began := time.Now()
		err := l.request(ctx, func(ctx context.Context, bucket jetstream.KeyValue) (err error) {
			l.revision, err = bucket.Create(ctx, l.key(), []byte(l.holder))
			return err
		})
		switch {
		case err == nil:
			l.renewed, l.seen = began, ""
			l.bus.log.Info("this process is the one to publish", "what", l.name)
			return true
		case errors.Is(err, jetstream.ErrKeyExists):
			l.tell(ctx)
		case ctx.Err() == nil:
			l.bus.log.Warn("cannot find out who is to publish", "what", l.name, "error", err)
		}
		wait(ctx, leaseEvery)
	}
	return false
}

// tell names the holder to the operator, once.
func (l *lease) tell(ctx context.Context) {
	holder, _ := l.look(ctx)
	if holder != "" && holder != l.seen {
		l.seen = holder
		l.bus.log.Info("another process publishes; this one takes over if it ends", "what", l.name, "holder", holder)
	}
}

// look returns the holder and the revision of its entry, and an empty name if there is none.
func (l *lease) look(ctx context.Context) (holder string, revision uint64) {
	_ = l.request(ctx, func(ctx context.Context, bucket jetstream.KeyValue) error {
		entry, err := bucket.Get(ctx, l.key())
		if err == nil {
			holder, revision = string(entry.Value()), entry.Revision()
		}
		return err
	})
	return holder, revision
}

// hold calls run until the lease is lost, and returns false if it is not to be asked for again.
func (l *lease) hold(ctx context.Context, run func(context.Context)) (again bool) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(running)
	}()
	l.keep(running, ended, cancel)
	finished := running.Err() == nil
	cancel()
	<-ended
	if finished || ctx.Err() != nil {
		l.giveBack()
		return false
	}
	l.bus.log.Warn("this process publishes no more: it could not renew its right to", "what", l.name)
	return true
}

// keep renews the lease until run has ended or the lease is lost. It calls stop leaseStop after the last renewal,
// however long a request takes.
func (l *lease) keep(running context.Context, ended <-chan struct{}, stop func()) {
	fence := time.AfterFunc(time.Until(l.renewed.Add(leaseStop)), stop)
	defer fence.Stop()
	for {
		select {
		case <-ended:
			return
		case <-running.Done():
			return
		case <-time.After(leaseEvery):
		}
		if !l.renew(running) {
			stop()
			return
		}
		if fence.Stop() { // else it has struck
			fence.Reset(time.Until(l.renewed.Add(leaseStop)))
		}
	}
}

// renew writes the entry once more. It returns false if the lease is somebody else's.
func (l *lease) renew(ctx context.Context) bool {
	began := time.Now()
	err := l.request(ctx, func(ctx context.Context, bucket jetstream.KeyValue) error {
		revision, err := bucket.Update(ctx, l.key(), []byte(l.holder), l.revision)
		if err == nil {
			l.revision = revision
		}
		return err
	})
	if err == nil {
		l.renewed = began
		return true
	}
	holder, revision := l.look(ctx)
	if holder == l.holder {
		l.revision = revision // of an update whose answer was lost
	}
	return holder == l.holder || holder == ""
}

// giveBack lets another process take over at once.
func (l *lease) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), leaseEvery)
	defer cancel()
	_ = l.request(ctx, func(ctx context.Context, bucket jetstream.KeyValue) error {
		return bucket.Delete(ctx, l.key(), jetstream.LastRevision(l.revision))
	})
}

// request does something with the bucket, within leaseEvery.
func (l *lease) request(ctx context.Context, do func(context.Context, jetstream.KeyValue) error) error {
	ctx, cancel := context.WithTimeout(ctx, leaseEvery)
	defer cancel()
	if err := l.find(ctx); err != nil {
		return fmt.Errorf("bucket %s: %w", LeaseBucket, err)
	}
	err := do(ctx, l.bucket)
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrStreamNotFound) {
		l.bucket = nil // it may have been deleted
	}
	return err
}

// find opens the bucket, and makes it if there is none.
func (l *lease) find(ctx context.Context) (err error) {
	if l.bucket != nil {
		return nil
	}
	l.bucket, err = l.bus.js.KeyValue(ctx, LeaseBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		l.bucket, err = l.bus.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: LeaseBucket, Description: "which tickgate gateway publishes what",
			TTL: leaseFor, Storage: jetstream.FileStorage, Replicas: l.bus.stream.CachedInfo().Config.Replicas,
		})
	}
	if err != nil {
		l.bucket = nil
	}
	return err
}

// wait waits, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
