package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Topic is a topic as one process, or all of them, have it.
type Topic struct {
	Topic       string `json:"topic"`
	Policy      string `json:"policy"`
	Oldest      string `json:"oldest,omitempty"` // id of the oldest message that can be replayed; empty if there is none
	Newest      string `json:"newest,omitempty"` // id of the newest
	Messages    uint64 `json:"messages"`         // held in memory, by the process that holds most
	Subscribers int    `json:"subscribers"`
	Conflated   uint64 `json:"conflated"` // deliveries skipped because there was a newer message
}

// Connections are the clients of one process that are alike.
type Connections struct {
	Worker      string `json:"worker"`
	Transport   string `json:"transport"` // ws, sse or http
	State       string `json:"state"`
	Connections int    `json:"connections"`
}

// Inspector is what a process tells of its topics and clients. It must be safe for concurrent use.
type Inspector interface {
	// Topics returns the first topics that have the prefix, sorted by name, at most limit.
	Topics(prefix string, limit int) []Topic
	// Connections returns the counts; Worker is left out.
	Connections() []Connections
}

const (
	defaultTopics = 1000
	// MaxTopics is the most topics that GET /v1/topics may be asked for.
	MaxTopics = 100_000
	// maxInspect bounds a process's answer in bytes: a topic takes at most some 350.
	maxInspect = 40 << 20
)

// inspect adds an Inspector's pages to a worker's; a process without topics has none of either.
func inspect(mux *http.ServeMux, in Inspector) {
	mux.HandleFunc("GET /v1/topics", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.FormValue("limit")) // the Server has checked it
		topics := []Topic{}
		if in != nil {
			topics = append(topics, in.Topics(r.FormValue("prefix"), limit)...)
		}
		writeJSON(w, http.StatusOK, topics)
	})
	mux.HandleFunc("GET /v1/connections", func(w http.ResponseWriter, _ *http.Request) {
		connections := []Connections{}
		if in != nil {
			connections = append(connections, in.Connections()...)
		}
		writeJSON(w, http.StatusOK, connections)
	})
}

// topics is GET /v1/topics: the topics of all processes by name, from prefix on.
func (s *Server) topics(w http.ResponseWriter, r *http.Request) {
	limit := defaultTopics
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > MaxTopics {
			refuseJSON(w, http.StatusBadRequest, "bad_request", fmt.Sprintf("limit is %q; write a number from 1 to %d", text, MaxTopics))
			return
		}
	}
	topics, errs := s.gatherTopics(r.Context(), r.FormValue("prefix"), limit+1)
	more := len(topics) > limit
	writeJSON(w, http.StatusOK, map[string]any{"topics": topics[:min(limit, len(topics))], "more": more, "errors": errs})
}

// topic is GET /v1/topics/{topic}.
func (s *Server) topic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("topic")
	topics, _ := s.gatherTopics(r.Context(), name, 1)
	if len(topics) == 0 || topics[0].Topic != name { // the name itself comes first of all that begin with it
		refuseJSON(w, http.StatusNotFound, "not_found", fmt.Sprintf("nobody publishes or subscribes to %q", name))
		return
	}
	writeJSON(w, http.StatusOK, topics[0])
}

// gatherTopics merges the topics of all processes, and lists those that did not answer.
func (s *Server) gatherTopics(ctx context.Context, prefix string, limit int) ([]Topic, []string) {
	query := url.Values{"prefix": {prefix}, "limit": {strconv.Itoa(limit)}}
	merged := map[string]*Topic{}
	errs := gatherJSON(ctx, s.config.Workers(), "/v1/topics?"+query.Encode(), func(_ string, topics []Topic) {
		for i := range topics {
			mergeTopic(merged, &topics[i])
		}
	})
	sorted := make([]Topic, 0, len(merged))
	for _, t := range merged {
		sorted = append(sorted, *t)
	}
	slices.SortFunc(sorted, func(a, b Topic) int { return cmp.Compare(a.Topic, b.Topic) })
	return sorted[:min(limit, len(sorted))], errs
}

// mergeTopic adds what another process knows of a topic. All have the same messages, but a process that was started
// later, or is behind, fewer of them.
func mergeTopic(merged map[string]*Topic, t *Topic) {
	known := merged[t.Topic]
	if known == nil {
		merged[t.Topic] = t
		return
	}
	subscribers, conflated := known.Subscribers+t.Subscribers, known.Conflated+t.Conflated
	if t.Messages > known.Messages {
		*known = *t
	}
	known.Subscribers, known.Conflated = subscribers, conflated
}

// connections is GET /v1/connections: the clients by process, transport and state.
func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	all, total := []Connections{}, 0
	errs := gatherJSON(r.Context(), s.config.Workers(), "/v1/connections", func(worker string, list []Connections) {
		for _, c := range list {
			c.Worker = worker
			total += c.Connections
			all = append(all, c)
		}
	})
	writeJSON(w, http.StatusOK, map[string]any{"total": total, "connections": all, "errors": errs})
}

// gatherJSON asks all workers for a list and hands each to take. It returns why others have none.
func gatherJSON[T any](ctx context.Context, workers []Worker, path string, take func(worker string, list []T)) []string {
	ctx, cancel := context.WithTimeout(ctx, metricsTimeout)
	defer cancel()
	errs := []string{}
	for _, page := range Gather(ctx, workers, path, maxInspect) {
		var list []T
		err := page.Err
		if err == nil {
			err = json.Unmarshal(page.Body, &list)
		}
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		take(page.Worker, list)
	}
	return errs
}

func refuseJSON(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"error": code, "message": message})
}
