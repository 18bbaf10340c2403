package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Worker is a process of the gateway, this one or another, that serves WorkerHandler.
type Worker interface {
	// Name is 0, 1, … or supervisor. It is part of URLs and the value of the worker label.
	Name() string
	// Get requests a path, which begins with a slash and may have a query. The caller closes the
	// response's body. It must be safe for concurrent use and give up when ctx ends.
	Get(ctx context.Context, path string) (*http.Response, error)
}

// Page is a worker's answer to one request.
type Page struct {
	Worker string
	Body   []byte
	Err    error // why there is no body
}

// Gather requests path from all workers at once and returns their answers in the order of the workers. A worker that does not
// answer with 200, before ctx ends, and within limit bytes, has its error in its place.
func Gather(ctx context.Context, workers []Worker, path string, limit int64) []Page {
	pages := make([]Page, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() {
			body, err := fetch(ctx, w, path, limit)
			pages[i] = Page{Worker: w.Name(), Body: body, Err: err}
		})
	}
	all.Wait()
	return pages
}

func fetch(ctx context.Context, w Worker, path string, limit int64) ([]byte, error) {
	resp, err := w.Get(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", w.Name(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("worker %s: read %s: %w", w.Name(), path, err)
	case resp.StatusCode != http.StatusOK:
		line, _, _ := strings.Cut(string(body), "\n")
		return nil, fmt.Errorf("worker %s: %s: %s", w.Name(), resp.Status, line)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("worker %s: %s is larger than %d bytes", w.Name(), path, limit)
	}
	return body, nil
}

// failures joins the errors of pages.
func failures(pages []Page) error {
	errs := make([]error, len(pages))
	for i, page := range pages {
		errs[i] = page.Err
	}
	return errors.Join(errs...)
}
