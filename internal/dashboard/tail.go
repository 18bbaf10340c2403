package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tickgate/internal/wire"
)

const (
	// tickRate is how many prices a second a page gets at most: it draws one every few pixels.
	tickRate = 4
	// tickHistory is how many of the newest ticks are asked for at first; one a second fills the page.
	tickHistory = 600
	// tailBuffer bounds an event in bytes; a larger one ends the stream. --max-message is 64 KiB unless it is raised.
	tailBuffer = 1 << 20
	// headPatience is how long the public listener may take to begin its answer.
	headPatience = 5 * time.Second
	// tailPause is the time between two tries, refusedPause that after a refusal: each is counted among those of the clients.
	tailPause    = time.Second
	refusedPause = 30 * time.Second
)

// tail reads the public listener's event stream, as a client like any other, while somebody watches.
type tail struct {
	url    string       // immutable
	client *http.Client // immutable
	to     *history
	wake   chan struct{} // somebody watches; holds one

	mu       sync.Mutex
	watchers int                // guarded by mu
	cancel   context.CancelFunc // guarded by mu; ends the reading that is under way

	// Owned by run.
	lastID  string
	budget  budget
	trouble string // told last
}

func newTail(addr string, to *history) *tail {
	return &tail{
		url: "http://" + addr + "/sse", to: to, wake: make(chan struct{}, 1), cancel: func() {},
		client: &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: headPatience,
		}},
	}
}

// watch lets the stream be read until the returned function is called, once.
func (t *tail) watch() (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers++
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return t.leave
}

func (t *tail) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watchers--; t.watchers == 0 {
		t.cancel()
	}
}

// reading returns a context that ends when nobody watches any more, false if that is so already.
func (t *tail) reading(ctx context.Context) (context.Context, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watchers == 0 {
		return nil, false
	}
	t.cancel() // of the reading before
	ctx, t.cancel = context.WithCancel(ctx)
	return ctx, true
}

// run reads whenever somebody watches, until ctx ends.
func (t *tail) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		for {
			watched, ok := t.reading(ctx)
			if !ok || ctx.Err() != nil {
				break
			}
			err := t.read(watched)
			if watched.Err() == nil {
				t.tell(err)
			}
			select {
			case <-watched.Done():
			case <-time.After(patience(err)):
			}
		}
	}
}

// errRefused is an answer that is no stream.
var errRefused = errors.New("the public listener answers")

// patience returns how long to wait after an error.
func patience(err error) time.Duration {
	if errors.Is(err, errRefused) {
		return refusedPause
	}
	return tailPause
}

// read takes the stream from where it ended the last time until it ends again.
func (t *tail) read(ctx context.Context) error {
	query := "?last=" + strconv.Itoa(tickHistory)
	if t.lastID != "" {
		query = ""
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+query, nil)
	if err != nil {
		return err
	}
	if t.lastID != "" {
		r.Header.Set("Last-Event-ID", t.lastID)
	}
	resp, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("%w %s: %s", errRefused, resp.Status, strings.TrimSpace(string(body)))
	}
	return t.events(resp.Body)
}

// events reads events until the stream ends, which it always does with an error.
func (t *tail) events(body io.Reader) error {
	var decoder wire.SSEDecoder
	buffer, filled := make([]byte, 16<<10), 0
	for {
		n, err := body.Read(buffer[filled:])
		filled += n
		used := 0
		for {
			e, n := decoder.Next(buffer[used:filled])
			if n == 0 {
				break
			}
			t.event(&e)
			used += n
		}
		filled = copy(buffer, buffer[used:filled])
		if err != nil {
			return fmt.Errorf("the public listener ended the stream: %w", err)
		}
		if filled == len(buffer) {
			if filled >= tailBuffer {
				return errors.New("an event of the public listener is larger than 1 MiB")
			}
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
	}
}

// event adds an event to the history if it is a message, and there are not too many of them.
func (t *tail) event(e *wire.SSEEvent) {
	if !e.HasData || string(e.Event) == "gap" {
		return
	}
	if e.HasID {
		t.lastID = string(e.ID)
	}
	now := time.Now()
	if t.trouble = ""; t.budget.take(now) {
		t.to.add(now, "tick", newPrice(e.Data, now).json())
	}
}

// tell says why there are no prices, once.
func (t *tail) tell(err error) {
	if err.Error() != t.trouble {
		t.trouble = err.Error()
		t.to.add(time.Now(), "notick", quoted(t.trouble))
	}
}

// budget lets events through at tickRate a second, and tickHistory of them at once. The zero value is full.
type budget struct {
	spent float64
	last  time.Time
}

func (b *budget) take(now time.Time) bool {
	b.spent = max(0, b.spent-now.Sub(b.last).Seconds()*tickRate)
	b.last = now
	if b.spent+1 > tickHistory {
		return false
	}
	b.spent++
	return true
}
