package admin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// local is this process as a Worker: requests go to its handler without a connection.
type local struct {
	name    string
	handler http.Handler
}

// Local returns the Worker for this very process: the only one, or the supervisor. The handler is
// a WorkerHandler.
func Local(name string, handler http.Handler) Worker { return local{name, handler} }

// Name implements Worker.
func (l local) Name() string { return l.name }

// Get implements Worker. The whole answer is in memory when it returns.
func (l local) Get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", path, err)
	}
	a := answer{header: http.Header{}}
	l.handler.ServeHTTP(&a, r)
	if err := ctx.Err(); err != nil {
		return nil, err // whatever the handler wrote is incomplete
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode: a.status,
		Header:     a.header,
		Body:       io.NopCloser(&a.body),
		Request:    r,
	}, nil
}

// answer is an http.ResponseWriter into memory.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
