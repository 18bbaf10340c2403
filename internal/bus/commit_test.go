package bus

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// TestCommitterGroups: while one fsync runs, everybody else waits for the next one together.
func TestCommitterGroups(t *testing.T) {
	var calls atomic.Int32
	began, release := make(chan struct{}, 10), make(chan struct{})
	c := newCommitter(func() error {
		calls.Add(1)
		began <- struct{}{}
		<-release
		return nil
	})
	c.store(1)
	first := c.commit()
	await(t, "first fsync", began)
	var late []*round
	for seq := uint64(2); seq <= 100; seq++ {
		c.store(seq)
		late = append(late, c.commit())
	}
	release <- struct{}{}
	await(t, "first round", first.done)
	if !c.covers(1) || c.covers(2) {
		t.Errorf("got 1 covered %v, 2 covered %v after an fsync that began before 2 was stored; want true, false", c.covers(1), c.covers(2))
	}
	release <- struct{}{}
	for _, r := range late {
		await(t, "second round", r.done)
	}
	if got := calls.Load(); got != 2 || !c.covers(100) {
		t.Errorf("got %d calls of fsync, 100 covered %v, want 2 and true", got, c.covers(100))
	}
}

// TestCommitterFails: what fsync failed for is not covered.
func TestCommitterFails(t *testing.T) {
	broken := errors.New("input/output error")
	c := newCommitter(func() error { return broken })
	c.store(7)
	r := c.commit()
	await(t, "round", r.done)
	if !errors.Is(r.err, broken) || c.covers(7) {
		t.Errorf("got error %v, covered %v, want %v, false", r.err, c.covers(7), broken)
	}
}

// TestCommitterStaysBroken: the kernel reports a failed write once, and the next fsync succeeds without what was lost. Who
// waits for that one must not be told that all is well.
func TestCommitterStaysBroken(t *testing.T) {
	broken := errors.New("input/output error")
	began, results := make(chan struct{}, 2), make(chan error, 2)
	c := newCommitter(func() error { began <- struct{}{}; return <-results })
	c.store(1)
	first := c.commit()
	await(t, "first fsync", began)
	c.store(2)
	second := c.commit()
	results <- broken
	results <- nil
	await(t, "first round", first.done)
	await(t, "second round", second.done)
	if !errors.Is(second.err, broken) || c.covers(1) || c.covers(2) {
		t.Errorf("got %v after a failure, 1 covered %v, 2 covered %v; want %v, false, false", second.err, c.covers(1), c.covers(2), broken)
	}
}

// TestSyncAlwaysWaits: no message is acknowledged before an fsync that began after it was stored. The seam counts; a
// power failure cannot be had in a test.
func TestSyncAlwaysWaits(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir(), SyncAlways: true})
	var calls atomic.Int32
	inner := b.commits.sync
	b.commits.sync = func() error { calls.Add(1); return inner() }
	for range 3 {
		ack := publish(t, b, Msg{Topic: "a", Payload: []byte("x")})
		if !b.commits.covers(ack.Seq) {
			t.Errorf("message %d is acknowledged and not on the disk", ack.Seq)
		}
	}
	if calls.Load() != 3 {
		t.Errorf("got %d fsyncs for 3 messages one after the other, want 3", calls.Load())
	}
}

// TestSyncFailureFailsTheBus: after a failed fsync nothing is acknowledged any more.
func TestSyncFailureFailsTheBus(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir(), SyncAlways: true})
	b.commits.sync = func() error { return errors.New("input/output error") }
	_, err := b.Publish(t.Context(), Msg{Topic: "a", Payload: []byte("x")})
	var storage *StorageError
	if !errors.As(err, &storage) {
		t.Fatalf("got %v, want a StorageError", err)
	}
	await(t, "end of the bus", b.Done())
}

// TestBlocksFindTheFiles pins where the server keeps its files: fsync of nothing would promise too much.
func TestBlocksFindTheFiles(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Config{Dir: dir, SyncAlways: true})
	const large = 60 << 10
	var acks sync.WaitGroup
	for range 300 { // 18 MB: more than one block
		p, err := b.PublishAsync(Msg{Topic: "a", Payload: make([]byte, large)})
		if err != nil {
			t.Fatal(err)
		}
		acks.Go(func() {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	acks.Wait()
	files, err := newBlocks(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(files.dir, "*.blk"))
	var bytes int64
	for _, f := range found {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	if bytes < 300*large || files.newest != len(found) || len(found) < 2 {
		t.Errorf("got %d bytes in %q, newest %d; want the payloads in several files numbered from 1", bytes, found, files.newest)
	}
}

// TestSyncAlwaysFromAnotherProcess: a worker's messages are on the disk as well when it gets its acknowledgement.
func TestSyncAlwaysFromAnotherProcess(t *testing.T) {
	owner := open(t, Config{Dir: t.TempDir(), SyncAlways: true, Listen: true})
	worker := connect(t, owner.Endpoint())
	ack := publish(t, worker, Msg{Topic: "a", Payload: []byte("x")})
	if worker.commits == nil || !worker.commits.covers(ack.Seq) {
		t.Error("a worker's message is acknowledged and not on the disk")
	}
}
