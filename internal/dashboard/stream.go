package dashboard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// writePatience is how long a page may take to read one event before its stream is given up.
const writePatience = 20 * time.Second

// maxStreams bounds the pages that are open at a time: the private listener has 128 connections, and scrapers and publishers need some.
const maxStreams = 64

// hello is the first event of a stream: what the samples mean.
type hello struct {
	Version string    `json:"version"`
	Now     int64     `json:"now"`     // the gateway's clock in Unix milliseconds; the browser's may be another
	Every   float64   `json:"every"`   // seconds between samples while a page is open
	History float64   `json:"history"` // seconds kept
	Latency []float64 `json:"latency"` // upper bounds of the latencies' bins in seconds; one bin more is above all
	Fanout  []float64 `json:"fanout"`  // likewise of the fan-outs' counts
}

// stream is GET /v1/stats/stream: an event hello, the events of the last ten minutes (sample, tick, notick), and those to come. Every
// event has an id but hello; an EventSource that comes back continues behind its last one, and a new one behind ?lastEventId=.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) {
	if d.streams.Add(1) > maxStreams {
		d.streams.Add(-1)
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d pages are open already", maxStreams), http.StatusServiceUnavailable)
		return
	}
	defer d.streams.Add(-1)
	last, _ := strconv.ParseInt(cmp.Or(r.Header.Get("Last-Event-ID"), r.FormValue("lastEventId")), 10, 64) // else: all
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no")
	defer d.tail.watch()()
	send := sender(w)
	if !send(d.hello()) {
		return
	}
	for {
		events, changed := d.history.since(last)
		for _, e := range events {
			if !send(e.frame) {
				return
			}
			last = e.id
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done(): // the page has gone, or the listener ends
			return
		}
	}
}

// sender returns what writes to a page and reports whether that is still possible.
func sender(w http.ResponseWriter) func([]byte) bool {
	control := http.NewResponseController(w)
	return func(frame []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writePatience)) // an answer to memory has none
		_, err := w.Write(frame)
		return err == nil
	}
}

func (d *Dashboard) hello() []byte {
	data, err := json.Marshal(hello{
		Version: d.config.Version, Now: milliseconds(time.Now()), Every: sampleEvery.Seconds(), History: kept.Seconds(), Latency: latencyBounds(), Fanout: fanoutBounds(d.config.FanoutBounds),
	})
	if err != nil {
		panic("BUG: hello: " + err.Error())
	}
	return append([]byte("retry: 1000\n"), frame("hello", 0, data)...)
}

// newest is GET /v1/stats: the newest sample, at most five seconds old.
func (d *Dashboard) newest(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	events, _ := d.history.since(0)
	for i := len(events) - 1; i >= 0; i-- {
		if _, data, ok := bytes.Cut(events[i].frame, []byte("\nevent: sample\ndata: ")); ok {
			_, _ = w.Write(bytes.TrimSuffix(data, []byte("\n")))
			return
		}
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"error":"unavailable","message":"there is no sample yet; the first comes five seconds after the start"}` + "\n"))
}
