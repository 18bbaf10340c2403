package prefork

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// BaseURL goes in front of the path of a request to a worker. The host has no meaning, but using the same one for all
// requests lets them share one connection.
const BaseURL = "http://worker"

// ErrNotRunning is what a request to a worker gets while no process of it runs.
var ErrNotRunning = errors.New("not running")

// newClient returns a client that reaches whatever dial connects to. HTTP/2 carries any number of concurrent requests
// (a 30 s profile, a scrape, a status stream) over one connection, which is kept for good.
func newClient(dial func(context.Context) (net.Conn, error)) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols:          protocols,
		DisableCompression: true,
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}
}

// Page is one worker's answer to Gather.
type Page struct {
	Worker int
	Header http.Header
	Body   []byte
	Err    error // the worker did not answer with status 200, or with more than the limit
}

// Gather requests path (with its query, beginning with a slash) from all workers at once and returns their answers in
// the order of their ids. A page may have up to limit bytes. A worker that cannot answer has its Err set; it does not
// spoil the others.
func (s *Supervisor) Gather(ctx context.Context, path string, limit int64) []Page {
	return s.ask(limit, func() (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, BaseURL+path, nil)
	})
}

// Tell posts body to path of all workers at once and returns their answers as Gather does.
func (s *Supervisor) Tell(ctx context.Context, path string, body []byte, limit int64) []Page {
	return s.ask(limit, func() (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, BaseURL+path, bytes.NewReader(body))
	})
}

// ask puts the same request to all workers.
func (s *Supervisor) ask(limit int64, request func() (*http.Request, error)) []Page {
	pages := make([]Page, len(s.workers))
	var wg sync.WaitGroup
	for i, w := range s.workers {
		wg.Go(func() { pages[i] = w.page(request, limit) })
	}
	wg.Wait()
	return pages
}

func (w *Worker) page(request func() (*http.Request, error), limit int64) Page {
	req, err := request()
	if err != nil {
		return Page{Worker: w.id, Err: fmt.Errorf("ask worker %d: %w", w.id, err)}
	}
	header, body, err := w.fetch(req, limit)
	if err != nil {
		err = fmt.Errorf("%s %s of worker %d: %w", strings.ToLower(req.Method), req.URL.RequestURI(), w.id, err)
	}
	return Page{Worker: w.id, Header: header, Body: body, Err: err}
}

func (w *Worker) fetch(req *http.Request, limit int64) (http.Header, []byte, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return resp.Header, body, err
}
