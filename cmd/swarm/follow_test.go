package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"tickgate/internal/load/blame"
)

// The records are read from where the metrics are, from a little before the last page on, and as a whole at the end.
func TestFollow(t *testing.T) {
	const now = int64(1_767_323_045_000_000_000)
	var asked atomic.Int64
	since := make([]int64, 0, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.FormValue("since"), 10, 64)
		if err != nil || r.URL.Path != "/debug/ticks" {
			t.Errorf("asked for %s", r.URL)
		}
		since = append(since, n)
		seq := asked.Add(1)
		fmt.Fprintf(w, `{"processes":[{"worker":"0","now":%d,"messages":[{"seq":%d,"due":%d,"received":5}]}]}`, now, seq, 100*seq)
	}))
	defer server.Close()
	f := follow(t.Context(), server.URL+"/metrics")
	// The third question is asked once the second answer has been read.
	for deadline := time.Now().Add(time.Minute); asked.Load() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not asked three times within a minute")
		}
	}
	book := f.end(t.Context())
	if n := len(since); n < 3 || since[0] != 0 || since[1] != now-int64(overlap) || since[n-1] != 0 {
		t.Errorf("asked since %v, want 0, then a little before the page, then 0", since)
	}
	ticks := []blame.Tick{{Intended: 100, Last: 200}, {Intended: 200, Last: 300}}
	if r := blame.Judge(&blame.Run{Book: book, Ticks: ticks}); r == nil || r.Judged != 2 {
		t.Errorf("got %+v, want both messages known", r)
	}
}

// Other servers have no records, and are asked once.
func TestFollowOthers(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer server.Close()
	for _, page := range []string{"", server.URL + "/stats", server.URL + "/metrics"} {
		f := follow(t.Context(), page)
		if f != nil {
			f.done.Wait()
		}
		if book := f.end(t.Context()); book != nil {
			t.Errorf("%q: got %+v, want nothing", page, book)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}
