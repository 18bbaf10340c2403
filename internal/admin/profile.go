package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// profiles are those that can be merged, as the index shows them.
var profiles = []struct{ Name, Path, About string }{
	{"profile", "profile?seconds=10", "processor time, over ?seconds= (default 30)"},
	{"heap", "heap", "live objects; ?gc=1 collects first"},
	{"allocs", "allocs", "all allocations since the start"},
	{"goroutine", "goroutine?debug=1", "stacks of all goroutines"},
	{"mutex", "mutex?seconds=10", "waits for mutexes; sampled during ?seconds= only"},
	{"block", "block?seconds=10", "waits for anything; sampled during ?seconds= only"},
	{"threadcreate", "threadcreate?debug=1", "what started threads"},
}

const (
	maxProfile     = 64 << 20
	maxLength      = 10 * time.Minute
	profileTimeout = 15 * time.Second // beyond the seconds asked for
)

// profile answers with one profile of all workers.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("profile")
	workers := s.config.Workers()
	if len(workers) == 1 {
		// Nothing to merge, so everything that one process has can be had.
		s.forward(w, r, workers[0], name)
		return
	}
	if !mergeable(name) {
		unmergeable(w, name, workers)
		return
	}
	ctx, cancel, err := allow(w, r, name)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	defer cancel()
	pages := Gather(ctx, workers, pprofPath(name, r.URL.RawQuery), maxProfile)
	if debug := r.URL.Query().Get("debug"); debug != "" && debug != "0" {
		writeText(w, pages)
		return
	}
	writeMerged(w, name, pages)
}

func mergeable(name string) bool {
	for _, p := range profiles {
		if p.Name == name {
			return true
		}
	}
	return false
}

// unmergeable says where else to get what cannot be had of all workers at once.
func unmergeable(w http.ResponseWriter, name string, workers []Worker) {
	switch name {
	case "trace", "cmdline", "symbol":
	default:
		refuse(w, http.StatusNotFound, fmt.Sprintf("no profile %q; see /debug/pprof/", name))
		return
	}
	places := make([]string, len(workers))
	for i, worker := range workers {
		places[i] = "/debug/pprof/worker/" + worker.Name() + "/" + name
	}
	refuse(w, http.StatusBadRequest, fmt.Sprintf("%s is of one process and cannot be merged; take %s", name, strings.Join(places, " or ")))
}

// refuse answers with text that go tool pprof shows to its user.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("X-Go-Pprof", "1")
	http.Error(w, message, status)
}

// allow gives the request and its answer the time that the profile takes.
func allow(w http.ResponseWriter, r *http.Request, name string) (context.Context, context.CancelFunc, error) {
	length, err := duration(name, r.URL.Query())
	if err != nil {
		return nil, nil, err
	}
	extendAnswer(w, length)
	ctx, cancel := context.WithTimeout(r.Context(), length+profileTimeout)
	return ctx, cancel, nil
}

// duration is how long taking the profile takes. What seconds may be is up to net/http/pprof, which
// takes 30 s of processor profile instead of what it does not understand.
func duration(name string, query url.Values) (time.Duration, error) {
	text := query.Get("seconds")
	if text == "" {
		if name == "profile" {
			return 30 * time.Second, nil
		}
		return time.Second, nil
	}
	least, kind := 1.0, "whole number"
	seconds, err := strconv.ParseFloat(text, 64)
	if name == "trace" {
		least, kind = 0, "number"
	} else if err == nil {
		_, err = strconv.Atoi(text)
	}
	if err != nil || !(seconds >= least && seconds <= maxLength.Seconds()) { // NaN is none of both
		return 0, fmt.Errorf("seconds=%s: not a %s from %g to %g", text, kind, least, maxLength.Seconds())
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

func pprofPath(name, query string) string {
	u := url.URL{Path: "/debug/pprof/" + name, RawQuery: query}
	return u.String()
}

// writeText answers with the workers' texts (?debug=1), one after the other.
func writeText(w http.ResponseWriter, pages []Page) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, page := range pages {
		_, _ = fmt.Fprintf(w, "# worker %s\n", page.Worker)
		if page.Err != nil {
			_, _ = fmt.Fprintf(w, "# missing: %v\n\n", page.Err)
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\n\n", page.Body)
	}
}

func writeMerged(w http.ResponseWriter, name string, pages []Page) {
	merged, err := mergeProfiles(pages)
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".pb.gz"))
	h.Set("X-Content-Type-Options", "nosniff")
	_ = merged.Write(w) // the client left
}

// mergeProfiles makes one profile of all pages that hold one, each sample tagged with its worker.
// Workers that are missing are named in the profile's comments. It fails if all are.
func mergeProfiles(pages []Page) (*profile.Profile, error) {
	var parts []*profile.Profile
	var longest int64
	for i := range pages {
		p, err := parseProfile(&pages[i])
		if err != nil {
			pages[i].Err = err
			continue
		}
		longest = max(longest, p.DurationNanos)
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, errors.Join(errors.New("no worker has a profile"), failures(pages))
	}
	merged, err := profile.Merge(parts)
	if err != nil {
		return nil, fmt.Errorf("merge profiles: %w", err)
	}
	// Merge adds up the durations of profiles taken one after the other; these were taken at once.
	merged.DurationNanos = longest
	for _, page := range pages {
		if page.Err != nil {
			merged.Comments = append(merged.Comments, "missing: "+page.Err.Error())
		}
	}
	return merged, nil
}

func parseProfile(page *Page) (*profile.Profile, error) {
	if page.Err != nil {
		return nil, page.Err
	}
	p, err := profile.Parse(bytes.NewReader(page.Body))
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", page.Worker, err)
	}
	p.SetLabel("worker", []string{page.Worker})
	return p, nil
}

// workerProfile answers with what one worker has under /debug/pprof/.
func (s *Server) workerProfile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("worker")
	for _, worker := range s.config.Workers() {
		if worker.Name() == name {
			s.forward(w, r, worker, r.PathValue("path"))
			return
		}
	}
	refuse(w, http.StatusNotFound, fmt.Sprintf("no worker %q; see /debug/pprof/", name))
}

// forward passes a worker's answer on as it comes.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, worker Worker, name string) {
	ctx, cancel, err := allow(w, r, name)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	defer cancel()
	resp, err := worker.Get(ctx, pprofPath(name, r.URL.RawQuery))
	if err != nil {
		refuse(w, http.StatusBadGateway, fmt.Sprintf("worker %s: %v", worker.Name(), err))
		return
	}
	defer func() { _ = resp.Body.Close() }()
	for _, header := range []string{"Content-Type", "Content-Disposition", "X-Go-Pprof", "X-Content-Type-Options"} {
		if value := resp.Header.Get(header); value != "" {
			w.Header().Set(header, value)
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // either side may leave
}
