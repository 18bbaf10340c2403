package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// Any number of pages share a sample: the processes are asked once for each, whoever looks.
func TestSamplesAreShared(t *testing.T) {
	var calls atomic.Int64
	d, base := startDashboard(t, "127.0.0.1:1", counting(&calls))
	var pages []<-chan [3]string
	for range 20 {
		pages = append(pages, follow(t, base+"/v1/stats/stream", ""))
	}
	for _, events := range pages {
		wait(t, events, "sample")
		wait(t, events, "sample")
	}
	asked := calls.Load() // perhaps once for a sample that is not there yet
	samples, _ := d.history.since(0)
	samples = slices.DeleteFunc(samples, func(e event) bool { return !bytes.Contains(e.frame, []byte("\nevent: sample\n")) })
	if asked > int64(len(samples))+1 {
		t.Errorf("got %d askings for %d samples, want one for each", asked, len(samples))
	}
}

// While nobody looks, samples are rare.
func TestSamplesRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		d, err := New(Config{Gather: counting(&calls), Public: "127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Stop()
		for _, tt := range []struct {
			pages    int32
			from, to int64
		}{{0, 12, 12}, {2, 59, 61}, {0, 11, 12}} {
			d.streams.Store(tt.pages)
			before := calls.Load()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := calls.Load() - before; got < tt.from || got > tt.to {
				t.Errorf("%d pages: got %d samples in a minute, want %d to %d", tt.pages, got, tt.from, tt.to)
			}
		}
	})
}

// A page too many is sent away, so that the private listener has room for others.
func TestTooManyPages(t *testing.T) {
	d, base := startDashboard(t, "127.0.0.1:1", nobody)
	d.streams.Store(maxStreams - 1)
	wait(t, follow(t, base+"/v1/stats/stream", ""), "hello")
	resp, err := http.Get(base + "/v1/stats/stream")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || d.streams.Load() != maxStreams {
		t.Errorf("got %d with %d pages open, want 503 and a time to come back", resp.StatusCode, d.streams.Load())
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
