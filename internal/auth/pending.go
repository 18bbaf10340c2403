package auth

import (
	"context"
	"sync"

	"tickgate/internal/auth/keyset"
)

// job is a token that waits for its verification. It is in the queue, with a worker, or waiting for a fetch: in one
// place at a time.
type job struct {
	// immutable
	raw    string
	sum    digest
	header keyset.Header

	fetched bool // a fetch has been waited for; owned by who has the job

	waiters []func(*Verdict, error) // guarded by pending.mu
}

// pending knows every job and bounds them. It is safe for concurrent use.
type pending struct {
	// guarded by mu
	mu       sync.Mutex
	jobs     map[digest]*job
	waiters  int // of all jobs
	fetching int // jobs that wait for a fetch
	closed   bool
}

// enqueue makes done wait for j, or for a job for the same token. It returns ErrPending, or why that is not possible.
func (v *Verifier) enqueue(j *job, done func(*Verdict, error)) error {
	p := &v.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case p.waiters >= v.cfg.MaxPending:
		return ErrBusy
	}
	p.waiters++
	if same := p.jobs[j.sum]; same != nil {
		same.waiters = append(same.waiters, done)
		return ErrPending
	}
	j.waiters = append(j.waiters, done)
	p.jobs[j.sum] = j
	v.queue <- j
	return ErrPending
}

// work takes jobs until ctx is done.
func (v *Verifier) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-v.queue:
			v.do(j)
		}
	}
}

// do verifies j, or puts it aside until keys have been fetched.
func (v *Verifier) do(j *job) {
	verdict, fetch, err := v.verify(j.raw, j.sum, j.header)
	if fetch && !j.fetched && v.awaitKeys(j) {
		return
	}
	v.finish(j, verdict, err)
}

// awaitKeys has j queued again after a fetch. It reports false if there is no set, if it was fetched a moment ago, or if
// too many wait already: tokens with invented key ids must not take all places of those that only need a worker.
func (v *Verifier) awaitKeys(j *job) bool {
	p := &v.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.cfg.Remote == nil || p.fetching >= max(1, v.cfg.MaxPending/4) {
		return false
	}
	j.fetched = true
	if !v.cfg.Remote.Await(func() { v.requeue(j) }) {
		return false
	}
	p.fetching++
	return true
}

func (v *Verifier) requeue(j *job) {
	v.pending.mu.Lock()
	defer v.pending.mu.Unlock()
	v.pending.fetching--
	v.queue <- j
}

// finish tells everybody who waits for j.
func (v *Verifier) finish(j *job, verdict *Verdict, err error) {
	for _, done := range v.pending.remove(j) {
		v.count.outcome(err)
		done(verdict, err)
	}
}

// remove forgets j and returns who waits for it.
func (p *pending) remove(j *job) []func(*Verdict, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.jobs, j.sum)
	p.waiters -= len(j.waiters)
	return j.waiters
}

// close refuses new jobs and returns those that are left.
func (p *pending) close() []*job {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	left := make([]*job, 0, len(p.jobs))
	for _, j := range p.jobs {
		left = append(left, j)
	}
	return left
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiters
}
