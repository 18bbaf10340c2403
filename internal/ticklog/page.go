package ticklog

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Page is a Log as JSON.
type Page struct {
	Now         int64        `json:"now"`      // Unix nanoseconds
	Messages    []Message    `json:"messages"` // by sequence
	Collections []Collection `json:"collections"`
	Loops       []Spent      `json:"loops"` // since the start
}

// Since returns what has come into this process after a moment in Unix nanoseconds; 0 is all that is remembered.
func (l *Log) Since(moment int64) Page {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cycles.read() // the finalizer of the last cycle may be waiting for its turn
	p := Page{Now: time.Now().UnixNano(), Messages: []Message{}, Collections: l.cycles.since(moment)}
	for i := range l.ring {
		e := &l.ring[i]
		if e.Seq == 0 || max(e.Offered, e.Received) <= moment {
			continue
		}
		p.Messages = append(p.Messages, e.message())
	}
	slices.SortFunc(p.Messages, func(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, loop := range l.loops {
		p.Loops = append(p.Loops, loop.spent())
	}
	return p
}

// message returns a copy that shares nothing with the ring.
func (e *entry) message() Message {
	m := e.Message
	for i := range e.passes {
		if e.passes[i].Began != 0 {
			m.Passes = append(m.Passes, e.passes[i].Pass)
		}
	}
	return m
}

// ServeHTTP answers with the page since ?since=UNIX_NANOSECONDS, default all.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var since int64
	if s := r.FormValue("since"); s != "" {
		var err error
		if since, err = strconv.ParseInt(s, 10, 64); err != nil {
			http.Error(w, "since="+strconv.Quote(s)+": not a Unix time in nanoseconds", http.StatusBadRequest)
			return
		}
	}
	body, err := json.Marshal(l.Since(since))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
