package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/trial"
)

// TestK6Agrees: k6, which knows nothing of the swarm, finds the latencies that the swarm finds, at the same gateway and time. Half of the ticks are dated back
// by up to 400 ms, 100 ms apart; 50 ms tell a wrong factor or offset from a busy machine. Twenty ticks, because on such a machine one tool may count some more
// than the other, and the ages must still be spread evenly. This is about agreement, not about speed.
func TestK6Agrees(t *testing.T) {
	trial.Again(t, func(t testing.TB) {
		got := runToEnd(t, 2*patience, "env", "K6="+findK6(t), "BIN="+filepath.Dir(binaries.swarm),
			"CONNS=100", "TICKS=20", "INTERVAL=200ms", "SLACK=50", "JUDGED=p50 p90", "bash", "../../scripts/k6/compare.sh")
		t.Logf("the comparison printed:\n%s", got.output)
		if got.code != 0 {
			t.Errorf("got exit code %d, want 0: both agree", got.code)
		}
		if rounds := strings.Count(got.output, "\nthey agree: "); rounds != 2 {
			t.Errorf("got %d rounds of agreement, want 2: fresh ticks and ticks dated back", rounds)
		}
	})
}

// findK6 returns the k6 that `make tools` has built, or an installed one.
func findK6(t testing.TB) string {
	t.Helper()
	built, err := filepath.Glob("../../bin/tools/k6-*")
	if err != nil || len(built) == 0 {
		return need(t, "k6")
	}
	path, err := filepath.Abs(built[len(built)-1])
	if err != nil {
		t.Fatal(err)
	}
	return path
}
