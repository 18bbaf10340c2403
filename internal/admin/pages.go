package admin

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"time"
)

const (
	// metricsTimeout is well below Prometheus' default scrape timeout of 10 s.
	metricsTimeout = 3 * time.Second
	maxMetrics     = 4 << 20
	textFormat     = "text/plain; version=0.0.4; charset=utf-8"
)

// metrics answers with the page of all workers. A worker that is dead or slow is missing from it,
// and told by the page itself.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), metricsTimeout)
	defer cancel()
	page, err := s.config.MergeMetrics(Gather(ctx, s.config.Workers(), "/metrics", maxMetrics))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", textFormat)
	_, _ = w.Write(page)
}

// health is the body of /healthz and /readyz.
type health struct {
	Status  string   `json:"status"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// healthz tells whether the process is worth keeping; see readyz for whether to send clients.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	if err := s.config.Health(); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, health{"unhealthy", []Reason{{"health", err.Error()}}})
		return
	}
	writeJSON(w, http.StatusOK, health{Status: "ok"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if reasons := s.config.Readiness.Reasons(); len(reasons) > 0 {
		writeJSON(w, http.StatusServiceUnavailable, health{"not ready", reasons})
		return
	}
	writeJSON(w, http.StatusOK, health{Status: "ready"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>tickgate</title>
<h1>tickgate</h1>
<ul>
<li><a href="/metrics">/metrics</a> of all processes, in Prometheus' text format
<li><a href="/healthz">/healthz</a> alive?
<li><a href="/readyz">/readyz</a> ready for clients?
<li><a href="/v1/topics">/v1/topics</a>, <a href="/v1/connections">/v1/connections</a> of all processes, as JSON
<li><a href="/debug/ticks">/debug/ticks</a> when the newest messages passed through the gateway's parts, as JSON
</ul>
<h2>Profiles of all processes, merged</h2>
<p>For <code>go tool pprof http://{{.Host}}/debug/pprof/NAME</code>; samples are tagged with their worker (-tagfocus worker=0).
<ul>
{{range .Profiles}}<li><a href="/debug/pprof/{{.Path}}">{{.Name}}</a> {{.About}}
{{end}}</ul>
<h2>One process</h2>
<ul>
{{range .Workers}}<li><a href="/debug/pprof/worker/{{.}}/">{{.}}</a>: <a href="/debug/pprof/worker/{{.}}/trace?seconds=5">trace</a>
{{end}}</ul>
</html>
`))

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, worker := range s.config.Workers() {
		names = append(names, worker.Name())
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	_ = indexPage.Execute(w, map[string]any{"Host": r.Host, "Profiles": profiles, "Workers": names})
}
