package admin

import (
	"net/http"
	"net/http/pprof"
)

// Process is what a process of the gateway shows of itself.
type Process struct {
	Metrics http.Handler // its metrics page
	Status  func() any   // for /status, as JSON; nil has none
	Ticks   http.Handler // for /debug/ticks, as JSON; nil has none
	Stats   http.Handler // for /stats, as JSON; nil has none
	Inspect Inspector    // for /v1/topics and /v1/connections; nil serves no clients
}

// WorkerHandler serves what a Server asks a Worker for: /metrics, /debug/pprof/, /debug/ticks, /v1/topics,
// /v1/connections, /stats and /status. It is for a channel that only the supervisor can open; it guards nothing.
func WorkerHandler(p Process) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.Metrics)
	if p.Status != nil {
		mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, p.Status())
		})
	}
	if p.Ticks != nil {
		mux.Handle("GET /debug/ticks", p.Ticks)
	}
	if p.Stats != nil {
		mux.Handle("GET /stats", p.Stats)
	}
	inspect(mux, p.Inspect)
	// Index serves all profiles that have no handler of their own.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	var c contention
	mux.Handle("GET /debug/pprof/mutex", c.during(pprof.Handler("mutex")))
	mux.Handle("GET /debug/pprof/block", c.during(pprof.Handler("block")))
	return mux
}
