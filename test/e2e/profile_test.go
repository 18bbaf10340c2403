package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// TestProfileScript: `make profile` leaves profiles that can be read, of one process and of several, and shows what the clients cost.
func TestProfileScript(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	for _, workers := range []string{"1", "2"} {
		t.Run(workers, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "profile")
			got := runToEnd(t, 4*time.Minute, "env", "BIN="+filepath.Dir(binaries.swarm), "CONNS=300", "TAKE=1", "DIR="+dir,
				"GATEWAY_FLAGS=--workers="+workers, "bash", "../../scripts/profile.sh")
			if got.code != 0 || !strings.Contains(got.output, "== what 300 clients added to it") {
				t.Fatalf("got exit code %d:\n%s", got.code, got.output)
			}
			for _, name := range []string{"heap-before", "heap", "allocs", "profile", "mutex", "block"} {
				checkReadable(t, filepath.Join(dir, name+".pb.gz"))
			}
			if trace, err := os.ReadFile(filepath.Join(dir, "trace.out")); err != nil || !strings.HasPrefix(string(trace), "go 1.") {
				t.Errorf("got no trace: %v, %.20q", err, trace)
			}
		})
	}
}

func checkReadable(t testing.TB, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	p, err := profile.Parse(f)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if len(p.SampleType) == 0 {
		t.Errorf("%s: got a profile of nothing", path)
	}
}
