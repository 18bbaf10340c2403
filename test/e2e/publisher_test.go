package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// publisher sends {"n":0}, {"n":1}, … to the topic a as fast as they are taken, until the connection breaks. Safe for
// concurrent use.
type publisher struct {
	lines atomic.Int64
	done  chan struct{}

	mu  sync.Mutex
	ids []string // guarded by mu; of the messages acknowledged, in order
	bad string   // guarded by mu; a result that is no acknowledgement
}

func startPublisher(t testing.TB, g *gateway) *publisher {
	t.Helper()
	p := &publisher{done: make(chan struct{})}
	body, out := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.Admin+"/v1/messages", body)
	if err != nil {
		t.Fatal(err)
	}
	go p.send(out)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	go p.receive(resp.Body, out)
	return p
}

func (p *publisher) send(out *io.PipeWriter) {
	w := bufio.NewWriterSize(out, 16<<10)
	for n := 0; ; n++ {
		if _, err := fmt.Fprintf(w, `{"topic":"a","data":{"n":%d}}`+"\n", n); err != nil {
			return
		}
		p.lines.Store(int64(n + 1))
	}
}

func (p *publisher) receive(in io.ReadCloser, out *io.PipeWriter) {
	defer close(p.done)
	defer func() { _ = in.Close(); _ = out.Close() }()
	decoder := json.NewDecoder(in)
	for {
		var r result
		if decoder.Decode(&r) != nil {
			return
		}
		p.add(r)
	}
}

func (p *publisher) add(r result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.Error != "" && p.bad == "":
		p.bad = r.Error
	case p.bad == "": // what was acknowledged behind an error would not be in order
		p.ids = append(p.ids, r.ID)
	}
}

// sent returns the number of lines that went out at least as far as a buffer.
func (p *publisher) sent() int { return int(p.lines.Load()) }

func (p *publisher) acknowledged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ids)
}

// wait returns the ids that were acknowledged before the connection broke.
func (p *publisher) wait(t testing.TB) []string {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatal("the publisher's connection does not end with the gateway")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bad != "" {
		t.Errorf("got %q as a result", p.bad)
	}
	return slices.Clone(p.ids)
}
