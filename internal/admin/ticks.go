package admin

import (
	"context"
	"encoding/json"
	"net/http"
)

// maxTicks bounds a worker's records in bytes: 512 messages with two passes each are 350 KB.
const maxTicks = 64 << 20

// processTicks is one worker's part of /debug/ticks: what it has recorded, or why there is nothing.
type processTicks struct {
	Worker string
	Error  string
	Record json.RawMessage
}

// MarshalJSON puts the worker's name, and its error if there is one, in front of the members of the record.
func (p processTicks) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(struct {
		Worker string `json:"worker"`
		Error  string `json:"error,omitempty"`
	}{p.Worker, p.Error})
	if err != nil || len(p.Record) <= len("{}") {
		return head, err
	}
	return append(append(head[:len(head)-1], ','), p.Record[1:]...), nil
}

// ticks answers with what all workers have recorded of the newest messages. A worker that is dead or slow has its error
// in its place.
func (s *Server) ticks(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), metricsTimeout)
	defer cancel()
	path := "/debug/ticks"
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	pages := Gather(ctx, s.config.Workers(), path, maxTicks)
	processes := make([]processTicks, len(pages))
	for i, page := range pages {
		processes[i] = processTicks{Worker: page.Worker, Record: page.Body}
		if page.Err != nil {
			processes[i].Error = page.Err.Error()
		}
	}
	writeJSON(w, http.StatusOK, map[string][]processTicks{"processes": processes})
}
