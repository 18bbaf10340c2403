package admin

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// tally sums the last value of a profile's samples by worker, if fn is among their callers.
func tally(p *profile.Profile, fn string) map[string]int64 {
	sums := map[string]int64{}
	for _, sample := range p.Sample {
		for _, location := range sample.Location {
			for _, line := range location.Line {
				if strings.HasSuffix(line.Function.Name, "."+fn) {
					sums[strings.Join(sample.Label["worker"], ",")] += sample.Value[len(sample.Value)-1]
				}
			}
		}
	}
	return sums
}

func fetchProfile(t *testing.T, url string) *profile.Profile {
	t.Helper()
	resp, body := get(t, url)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d %s", url, resp.StatusCode, body)
	}
	p, err := profile.ParseData([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if err := p.CheckValid(); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return p
}

// Profiles of this process and of two others come out as one, each sample with its worker.
func TestMergedProfiles(t *testing.T) {
	_, base := start(t, Config{}, Local("supervisor", process("")), startRemote(t, "0"), startRemote(t, "1"))
	t.Run("heap", func(t *testing.T) {
		got := tally(fetchProfile(t, base+"/debug/pprof/heap?gc=1"), "holdMemory")
		if got["0"] != 32<<20 || got["1"] != 32<<20 || len(got) != 2 {
			t.Errorf("got bytes %v, want 32 MiB for each of the workers 0 and 1", got)
		}
	})
	t.Run("processor", func(t *testing.T) {
		// A worker that got no processor for a second is in no profile: that one is taken again.
		eventually(t, "time of both workers, and nobody else's", func() bool {
			began := time.Now()
			p := fetchProfile(t, base+"/debug/pprof/profile?seconds=1")
			if d, took := time.Duration(p.DurationNanos), time.Since(began); d < time.Second || d > took {
				t.Errorf("got a duration of %v in an answer that took %v, want a second or a little more: they were taken at once", d, took)
			}
			got := tally(p, "burn")
			return got["0"] > 0 && got["1"] > 0 && len(got) == 2
		})
	})
	for _, name := range []string{"allocs", "goroutine", "threadcreate", "mutex", "block?seconds=1"} {
		if p := fetchProfile(t, base+"/debug/pprof/"+name); len(p.SampleType) == 0 {
			t.Errorf("%s: got %v, want a profile", name, p)
		}
	}
	if p := fetchProfile(t, base+"/debug/pprof/worker/1/heap"); tally(p, "holdMemory")[""] != 32<<20 {
		t.Errorf("got %v, want the profile of worker 1 as it is", tally(p, "holdMemory"))
	}
}

// A single process has everything, a trace too.
func TestSingleProcess(t *testing.T) {
	_, base := start(t, Config{}, Local("0", process("")))
	if resp, body := get(t, base+"/debug/pprof/trace?seconds=0.05"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "go 1.") {
		t.Errorf("got %d, %.20q, want a trace", resp.StatusCode, body)
	}
	fetchProfile(t, base+"/debug/pprof/heap")
}

// A worker that is gone is missing from the profile, which says so.
func TestMissingWorker(t *testing.T) {
	body, err := fetch(t.Context(), Local("0", process("")), "/debug/pprof/allocs", maxProfile)
	if err != nil {
		t.Fatal(err)
	}
	gone := Page{Worker: "1", Err: errors.New("worker 1: gone")}
	p, err := mergeProfiles([]Page{{Worker: "0", Body: body}, gone, {Worker: "2", Body: []byte("<html>")}})
	if err != nil {
		t.Fatal(err)
	}
	comments := strings.Join(p.Comments, "\n")
	if len(p.Sample) == 0 || !strings.Contains(comments, "missing: worker 1: gone") || !strings.Contains(comments, "missing: worker 2: ") {
		t.Errorf("got %d samples, comments %q, want samples and both workers missed", len(p.Sample), comments)
	}
	if _, err := mergeProfiles([]Page{gone}); err == nil || !strings.Contains(err.Error(), "worker 1: gone") {
		t.Errorf("got error %v, want the workers' errors", err)
	}
}

func TestNoWorkerAnswers(t *testing.T) {
	busy := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "cpu profiling already in use", http.StatusInternalServerError)
	})
	_, base := start(t, Config{}, Local("0", busy), Local("1", busy))
	resp, body := get(t, base+"/debug/pprof/profile?seconds=1")
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "worker 1: 500 Internal Server Error: cpu profiling already in use") ||
		resp.Header.Get("X-Go-Pprof") == "" {
		t.Errorf("got %d %s %v, want 502 and the reasons for go tool pprof to show", resp.StatusCode, body, resp.Header)
	}
}
