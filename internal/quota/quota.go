package quota

import (
	"fmt"
	"os"
)

// Pool is the quota as seen by the process that starts the others. All methods are safe for concurrent use.
type Pool struct {
	file     *os.File
	counters []counter
}

// New returns a pool for parts processes. It lasts until the process ends; its memory until the last of the processes
// does.
func New(parts int) (*Pool, error) {
	file, err := newFile(parts)
	if err != nil {
		return nil, err
	}
	counters, err := mapCounters(file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Pool{file: file, counters: counters}, nil
}

// File is what another process inherits and opens with Join. It belongs to the pool.
func (p *Pool) File() *os.File { return p.file }

// Forget gives back what process part holds. It is to be called when that process has ended, before another one takes its
// part.
func (p *Pool) Forget(part int) { p.counters[part].n.Store(0) }

// Taken returns how much all processes hold.
func (p *Pool) Taken() int { return int(sum(p.counters)) }

// Share is one process's part of a quota. All methods are safe for concurrent use.
type Share struct {
	counters []counter
	own      *counter
	limit    int64
}

// Join maps the quota in file, which it closes, and returns the share of process part. All processes together hold at most
// limit, which must be the same for all.
func Join(file *os.File, part, limit int) (*Share, error) {
	defer func() { _ = file.Close() }()
	counters, err := mapCounters(file)
	if err != nil {
		return nil, err
	}
	if part < 0 || part >= len(counters) {
		return nil, fmt.Errorf("join quota: got part %d, want one of %d", part, len(counters))
	}
	return &Share{counters: counters, own: &counters[part], limit: int64(limit)}, nil
}

// Take takes one of the quota and reports whether there was one left. The limit is never exceeded; of two processes that
// try for the last one at the same moment, both may be told that there is none.
func (s *Share) Take() bool {
	s.own.n.Add(1)
	if sum(s.counters) > s.limit {
		s.own.n.Add(-1)
		return false
	}
	return true
}

// Return gives one back that Take has taken.
func (s *Share) Return() { s.own.n.Add(-1) }

func sum(counters []counter) (n int64) {
	for i := range counters {
		n += counters[i].n.Load()
	}
	return n
}
