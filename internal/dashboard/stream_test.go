package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// samplePage is a sample as a page reads it.
type samplePage struct {
	Time      int64
	Sockets   *sockets
	Processes []struct {
		Worker, Error string
		Numbers       *numbers
	}
}

func TestStream(t *testing.T) {
	var calls atomic.Int64
	base := start(t, "127.0.0.1:1", counting(&calls, Answer{Worker: "0", Body: []byte(`{"pid":7}`)}, Answer{Worker: "1", Err: errors.New("not running")}))
	events := follow(t, base+"/v1/stats/stream", "")
	_, data := wait(t, events, "hello")
	if h := decode[hello](t, data); h.Version != "v1.2.3" || h.Every != 1 || h.History != 600 || len(h.Latency) != 69 || len(h.Fanout) != 1 {
		t.Errorf("got %+v, want the version and what samples mean", h)
	}
	first, data := wait(t, events, "sample")
	s := decode[samplePage](t, data)
	if len(s.Processes) != 2 || s.Processes[0].Numbers.PID != 7 || s.Processes[1].Error != "not running" || s.Processes[1].Numbers != nil {
		t.Errorf("got %s, want one process with numbers and one with an error", data)
	}
	if s.Sockets == nil || s.Sockets.InUse == 0 {
		t.Errorf("got %s, want the machine's sockets", data)
	}
	second, _ := wait(t, events, "sample")
	again := follow(t, base+"/v1/stats/stream", first)
	if id, _ := wait(t, again, "sample"); id != second {
		t.Errorf("after %s: got %s, want %s, the next one", first, id, second)
	}
	anew := follow(t, base+"/v1/stats/stream?lastEventId="+first, "")
	if id, _ := wait(t, anew, "sample"); id != second {
		t.Errorf("lastEventId=%s: got %s, want %s, the next one", first, id, second)
	}
	newest, _ := fetch(t, base+"/v1/stats")
	if decode[samplePage](t, newest).Time < s.Time {
		t.Errorf("got %s, want the newest sample", newest)
	}
}

// Any number of pages share a sample: the processes are asked once a second, and once only.
func TestSamplesAreShared(t *testing.T) {
	var calls atomic.Int64
	base := start(t, "127.0.0.1:1", counting(&calls))
	var pages []<-chan [3]string
	for range 20 {
		pages = append(pages, follow(t, base+"/v1/stats/stream", ""))
	}
	seen := map[string]bool{}
	for _, events := range pages {
		for range 2 {
			id, _ := wait(t, events, "sample")
			seen[id] = true
		}
	}
	if n := calls.Load(); int64(len(seen)) > n {
		t.Errorf("got %d different samples of %d askings", len(seen), n)
	}
}

func TestNoSampleYet(t *testing.T) {
	d := &Dashboard{history: newHistory()}
	w := httptest.NewRecorder()
	d.newest(w, nil)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no sample yet") {
		t.Errorf("got %d %s, want 503 and why", w.Code, w.Body)
	}
}

func TestHistory(t *testing.T) {
	h, now := newHistory(), time.UnixMilli(1_000_000)
	_, changed := h.since(0)
	for i := range 5 {
		h.add(now, "sample", []byte(strconv.Itoa(i))) // all in the same millisecond
	}
	select {
	case <-changed:
	default:
		t.Error("got no word of another event")
	}
	events, _ := h.since(1_000_001)
	if len(events) != 3 || events[0].id != 1_000_002 || string(events[2].frame) != "id: 1000004\nevent: sample\ndata: 4\n\n" {
		t.Errorf("got %v, want the three newest with ids of their own", events)
	}
	h.add(now.Add(kept+2*time.Millisecond), "tick", []byte("5"))
	if events, _ := h.since(0); len(events) != 4 || events[0].id != 1_000_002 {
		t.Errorf("got %v, want nothing older than %v", events, kept)
	}
	for i := range maxEvents + 10 {
		h.add(now.Add(kept), "tick", fmt.Append(nil, i))
	}
	if events, _ := h.since(0); len(events) != maxEvents {
		t.Errorf("got %d events, want %d at most", len(events), maxEvents)
	}
}
