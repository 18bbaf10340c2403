//go:build walls

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWallProcessor: with a fifth of a processor the gateway serves at least as many clients as the doctor says, and not many times more: the
// doctor plans with 5.2 µs for a message, which is what 100,000 cold connections cost, and keeps a fifth of the time. It takes half a minute and a
// processor that is its own, so it has to be asked for (go test -tags walls).
func TestWallProcessor(t *testing.T) {
	const conns, rate = 8000, 10
	group := cpuGroup(t, 4000, 20000)
	inGroup := []string{"sh", "-c", fmt.Sprintf(`echo $$ > %s/cgroup.procs; exec "$@"`, group), "sh"}
	p := askDoctor(t, inGroup, fmt.Sprintf("--conns=%d", conns), fmt.Sprintf("--rate=%d", rate))
	if p.Fits || p.Walls.First == nil || p.Walls.First.Name != "cpu" {
		t.Fatalf("got fits %v and first wall %+v, want cpu", p.Fits, p.Walls.First)
	}
	g := startGateway(t, setup{wrap: inGroup, flags: map[string]string{
		"max-conns": "10000", "policy": "-", "feed-interval": (time.Second / rate).String(), "loops": "1",
	}})
	besiege(t, g, nil, conns)
	m := newGauge(t, g)
	if open := m.reached(t, 4*time.Second); open != conns {
		t.Fatalf("got %d connections, want all %d held: the processors bound the messages only", open, conns)
	}
	delivered, start := sum(g.scrape(t), "tickgate_deliveries_total"), time.Now()
	eventually(t, patience, "ten seconds of deliveries", func() bool { return time.Since(start) > 10*time.Second })
	delivered = sum(g.scrape(t), "tickgate_deliveries_total") - delivered
	served := int(delivered / time.Since(start).Seconds() / rate)
	t.Logf("cpu: predicted %d connections at %d messages a second, served %d", p.Walls.First.Conns, rate, served)
	if served < p.Walls.First.Conns || served > 3*p.Walls.First.Conns {
		t.Errorf("got %d connections served, want from %d to three times that", served, p.Walls.First.Conns)
	}
}

// cpuGroup makes a cgroup with a quota until the test ends. Only a process at the top of the hierarchy may: elsewhere it belongs to somebody.
func cpuGroup(t testing.TB, quota, period int) string {
	t.Helper()
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip(err)
	}
	if !strings.Contains(string(groups), ":cpu:/\n") {
		t.Skip("this process is not at the top of a hierarchy of version 1 with cpu")
	}
	dir := filepath.Join("/sys/fs/cgroup/cpu", fmt.Sprintf("tickgate-e2e-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		eventually(t, patience, "empty cgroup", func() bool { return os.Remove(dir) == nil })
	})
	for name, value := range map[string]int{"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota} {
		if err := os.WriteFile(filepath.Join(dir, name), fmt.Append(nil, value), 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
