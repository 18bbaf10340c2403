package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"tickgate/internal/limits"
	"tickgate/internal/load"
	"tickgate/internal/prefork"
)

// work is the life of a worker process.
func work(stderr io.Writer) int {
	child, err := prefork.Join()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	var cfg load.Config
	if err := child.Settings(&cfg); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	if _, err := limits.RaiseNofile(0); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	spare(&cfg)
	engine, err := load.New(cfg)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	defer engine.Stop()
	if err := serve(child, engine); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return exitOK
}

// spare gives the Go scheduler as many processors as there are loops. With more, it wakes a thread to look for work on
// them whenever a loop lets others run.
func spare(cfg *load.Config) { runtime.GOMAXPROCS(max(cfg.Loops, 1)) }

// serve obeys the parent until it is gone or asks this process to end.
func serve(child *prefork.Child, engine *load.Engine) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	defer signal.Stop(stop)
	served := make(chan error, 1)
	go func() { served <- child.Serve(orders(child.ID(), engine)) }()
	if err := child.Ready(); err != nil {
		return err
	}
	select {
	case <-stop:
		return nil
	case err := <-engine.Failed():
		return err
	case err := <-served:
		return err
	}
}

// orders answers the requests of forked.
func orders(id int, engine *load.Engine) http.Handler {
	mux := http.NewServeMux()
	for path, do := range map[string]func(){
		"/start": engine.Start, "/hold": engine.Hold, "/judge": engine.Judge, "/farewell": engine.Farewell,
	} {
		mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) { do() })
	}
	mux.HandleFunc("/heads", func(w http.ResponseWriter, r *http.Request) {
		heads, err := engine.Heads(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(load.AppendHeads(nil, heads)) // a parent that is gone needs no answer
	})
	mux.HandleFunc("/settle", func(w http.ResponseWriter, r *http.Request) {
		heads, err := readHeads(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		engine.Settle(heads)
	})
	mux.HandleFunc("/stats", func(w http.ResponseWriter, r *http.Request) {
		b, err := counters(r, id, engine)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(b) // a parent that is gone needs no answer
	})
	return mux
}

// readHeads reads the newest messages of all clients from a request.
func readHeads(r *http.Request) ([]load.Tick, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read newest messages: %w", err)
	}
	return load.DecodeHeads(body)
}

// counters answers the request for worker id's statistics.
func counters(r *http.Request, id int, engine *load.Engine) ([]byte, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	var known load.Known
	if texts := r.Form[knownParam]; id < len(texts) {
		var err error
		if known, err = load.ParseKnown(texts[id]); err != nil {
			return nil, err
		}
	}
	s, err := engine.Stats(r.Context())
	if err != nil {
		return nil, err
	}
	return s.Append(nil, known)
}
