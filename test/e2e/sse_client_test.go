package e2e

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// event is one event of an SSE stream as it arrived.
type event struct {
	id, kind, data string
	at             time.Time
}

// sse is a plain SSE client over net/http: nothing but lines, so that what it sees is what was sent. Safe for concurrent use.
type sse struct {
	resp   *http.Response
	cancel context.CancelFunc
	done   chan struct{} // closed at the end of the stream

	mu       sync.Mutex
	events   []event
	retries  []time.Duration
	comments int
	err      error // why the stream ended; nil: the server ended it properly
}

// openSSE subscribes and waits for the answer's head. The stream is read until the server ends it or the test does.
func openSSE(t testing.TB, url string, header http.Header) *sse {
	t.Helper()
	s, err := trySSE(url, header)
	if err != nil {
		t.Fatalf("subscribe to %s: %v", url, err)
	}
	t.Cleanup(s.close)
	if s.resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: got status %d, want 200", url, s.resp.StatusCode)
	}
	return s
}

// trySSE is openSSE for a server that may refuse.
func trySSE(url string, header http.Header) (*sse, error) {
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: patience}}
	resp, err := client.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	s := &sse{resp: resp, cancel: cancel, done: make(chan struct{})}
	go s.read()
	return s, nil
}

// read takes the stream apart, line by line (WHATWG HTML §9.2.6; the gateway sends no CR).
func (s *sse) read() {
	defer close(s.done)
	lines := newLines(s.resp.Body)
	var current event
	var data []string
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if data != nil {
				current.data, current.at = strings.Join(data, "\n"), time.Now()
				s.add(current)
			}
			current, data = event{}, nil
		case name == "":
			s.comment()
		case name == "id":
			current.id = value
		case name == "event":
			current.kind = value
		case name == "data":
			data = append(data, value)
		case name == "retry":
			s.retry(value)
		}
	}
	s.mu.Lock()
	s.err = lines.Err()
	s.mu.Unlock()
}

func (s *sse) add(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

func (s *sse) comment() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments++
}

func (s *sse) retry(value string) {
	ms, err := strconv.Atoi(value)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retries = append(s.retries, time.Duration(ms)*time.Millisecond)
}

// seen returns a copy of the events so far.
func (s *sse) seen() []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// hints returns the retry times so far and the number of comments.
func (s *sse) hints() (retries []time.Duration, comments int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.retries), s.comments
}

// ended reports whether the stream is over, and why (nil: a proper end).
func (s *sse) ended() (bool, error) {
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return true, s.err
	default:
		return false, nil
	}
}

// wait returns the first n events once they are there.
func (s *sse) wait(t testing.TB, n int) []event {
	t.Helper()
	if !holds(patience, func() bool { return len(s.seen()) >= n }) {
		over, err := s.ended()
		t.Fatalf("got %d events, want %d; stream over: %v (%v)", len(s.seen()), n, over, err)
	}
	return s.seen()[:n]
}

// close ends the stream from the client's side and waits for its reader.
func (s *sse) close() {
	s.cancel()
	<-s.done
	_ = s.resp.Body.Close()
}

// newLines scans lines of up to 1 MiB.
func newLines(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	return lines
}
