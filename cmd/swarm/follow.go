package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"tickgate/internal/load/blame"
)

// follower reads the gateway's records of its newest messages beside the run, as rarely as their number allows: each
// reading makes every process of the gateway collect garbage sooner, which is then a part of what the run measures. A
// server that has no records is left alone.
type follower struct {
	url  string
	quit context.CancelFunc
	done sync.WaitGroup

	// owned by run until quit has been called and done waited for
	book  *blame.Book // nil until the first page
	last  int64       // the gateway's clock at the last page, Unix nanoseconds
	pause time.Duration
}

const (
	// followTime bounds one answer; the private listener waits 3 s for a process that does not answer.
	followTime = 5 * time.Second
	// calm is the pause between two pages of a gateway with few messages.
	calm = 5 * time.Second
	// plenty is a number of messages on one page that asks for a shorter pause: a gateway remembers 512.
	plenty = 128
	// overlap is how far back a page reaches behind the one before: passes may still have been under way then.
	overlap = 3 * time.Second
	// maxRecords bounds a page in bytes; 512 messages of eight processes are 2 MB.
	maxRecords = 64 << 20
)

// follow begins to read beside page, the URL of the metrics; nil if it is not a gateway's.
func follow(ctx context.Context, page string) *follower {
	base, ok := strings.CutSuffix(page, "/metrics")
	if !ok {
		return nil
	}
	ctx, quit := context.WithCancel(ctx)
	f := &follower{url: base + "/debug/ticks", quit: quit}
	f.done.Go(func() { f.run(ctx) })
	return f
}

func (f *follower) run(ctx context.Context) {
	for {
		// A page that cannot be read now is made up for by the next one, which reaches as far back.
		if err := f.read(ctx, f.last-int64(overlap)); err != nil && f.book == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.pause):
		}
	}
}

// read takes what the gateway has recorded since a moment.
func (f *follower) read(ctx context.Context, since int64) error {
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s?since=%d", f.url, max(since, 0)), nil)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("read records: %s answered %s", f.url, resp.Status)
	}
	var page blame.Page
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxRecords)).Decode(&page); err != nil {
		return fmt.Errorf("read records: %s: %w", f.url, err)
	}
	f.take(&page)
	return nil
}

func (f *follower) take(page *blame.Page) {
	f.pause = calm
	if f.book == nil { // how many messages come in between is not known yet
		f.book, f.pause = new(blame.Book), interval
	}
	f.book.Add(page)
	for _, p := range page.Processes {
		f.last = max(f.last, p.Now)
		if len(p.Messages) > plenty {
			f.pause = interval
		}
	}
}

// stop ends reading.
func (f *follower) stop() {
	if f != nil {
		f.quit()
		f.done.Wait()
	}
}

// end reads a last time, all that is remembered, and returns the book; nil if there is none.
func (f *follower) end(ctx context.Context) *blame.Book {
	if f == nil {
		return nil
	}
	f.stop()
	if f.book != nil {
		_ = f.read(ctx, 0) // what was read before is still something
	}
	return f.book
}
