package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// prediction is what tests read of the doctor's JSON.
type prediction struct {
	Fits    bool
	Workers int
	Walls   struct{ First, Process, Machine, Pace *wall }
}

type wall struct {
	Name  string
	Conns int
}

// askDoctor runs `gateway doctor` behind a command that executes its arguments.
func askDoctor(t testing.TB, wrap []string, flags ...string) prediction {
	t.Helper()
	line := slices.Concat(wrap, []string{binaries.gateway, "doctor", "--json"}, flags)
	cmd := exec.Command(line[0], line[1:]...)
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
		t.Fatalf("%s: %v", strings.Join(line, " "), err)
	}
	var p prediction
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return p
}

// descriptors is a command that executes its arguments with a limit on descriptors.
func descriptors(n int) []string {
	return []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, n), "sh"}
}

// besiege starts a swarm that goes on trying until the test ends; it is expected to fail at the wall.
func besiege(t testing.TB, g *gateway, wrap []string, conns int, flags ...string) {
	t.Helper()
	startSwarm(t, wrap, "http://"+g.Addr, append(flags, "--conns="+strconv.Itoa(conns))...)
}

// gauge asks a gateway for its connections over one connection that it keeps, since at some walls no new one gets through.
type gauge struct {
	url    string
	client http.Client
}

func newGauge(t testing.TB, g *gateway) *gauge {
	t.Helper()
	m := &gauge{url: "http://" + g.Admin + "/metrics", client: http.Client{Timeout: patience, Transport: &http.Transport{}}}
	t.Cleanup(m.client.CloseIdleConnections)
	m.open(t)
	return m
}

// open returns how many connections are open.
func (m *gauge) open(t testing.TB) int {
	t.Helper()
	resp, err := m.client.Get(m.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "tickgate_connections{") && strings.Contains(line, `state="open"`) {
			fields := strings.Fields(line)
			n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				t.Fatalf("metrics: got line %q: %v", line, err)
			}
			total += int(n)
		}
	}
	return total
}

// reached waits until the number of open connections has not grown for some time and returns it.
func (m *gauge) reached(t testing.TB, quiet time.Duration) int {
	t.Helper()
	most, since := 0, time.Now()
	eventually(t, 2*patience, "end of the growth", func() bool {
		if open := m.open(t); open > most {
			most, since = open, time.Now()
		}
		return most > 0 && time.Since(since) > quiet
	})
	return most
}

// compare logs what was predicted and what was reached, and fails the test if they differ by more than the tolerance, a part of one.
func compare(t testing.TB, predicted *wall, name string, reached int, tolerance float64) {
	t.Helper()
	if predicted == nil || predicted.Name != name {
		t.Fatalf("got predicted wall %+v, want %s", predicted, name)
	}
	t.Logf("%s: predicted %d connections, reached %d", name, predicted.Conns, reached)
	if off := float64(reached-predicted.Conns) / float64(predicted.Conns); off > tolerance || off < -tolerance {
		t.Errorf("%s: got %d connections, want %d within %g %%", name, reached, predicted.Conns, 100*tolerance)
	}
}

// told reports whether the gateway's log names a limit that was met while it ran.
func (g *gateway) told(limit string) bool {
	for line := range strings.Lines(g.log.String()) {
		if strings.Contains(line, "a limit is in the way") && strings.Contains(line, limit) {
			return true
		}
	}
	return false
}

// TestWallDescriptors: with few descriptors one process stops where the doctor says, and says why; as many workers as it says hold everybody.
func TestWallDescriptors(t *testing.T) {
	trial.Grow(t, 4*time.Second, func(t testing.TB, quiet time.Duration) {
		const nofile, conns = 1500, 3000
		p := askDoctor(t, descriptors(nofile), "--conns="+strconv.Itoa(conns))
		flags := map[string]string{"max-conns": strconv.Itoa(conns), "policy": "-", "feed-interval": "1s"}

		flags["workers"] = "1"
		alone := startGateway(t, setup{nofile: nofile, flags: flags})
		m := newGauge(t, alone)
		besiege(t, alone, nil, conns)
		compare(t, p.Walls.First, "nofile", m.reached(t, quiet), 0)
		eventually(t, patience, "log line that names nofile", func() bool { return alone.told("nofile is 1500 descriptors") })

		flags["workers"] = "auto"
		several := startGateway(t, setup{nofile: nofile, flags: flags})
		if got := len(children(several.pid())); got != p.Workers {
			t.Errorf("got %d workers, want the %d that were predicted", got, p.Workers)
		}
		m = newGauge(t, several)
		besiege(t, several, nil, conns)
		if got := m.reached(t, quiet); got != conns {
			t.Errorf("got %d connections with %d workers, want all %d", got, p.Workers, conns)
		}
	})
}

// TestWallSwarmDescriptors: on the clients' side the doctor keeps a reserve, which a swarm that is told to take one process uses up.
func TestWallSwarmDescriptors(t *testing.T) {
	trial.Grow(t, 4*time.Second, func(t testing.TB, quiet time.Duration) {
		const nofile, conns = 1500, 3000
		p := askDoctor(t, descriptors(nofile), "--for=swarm", "--conns="+strconv.Itoa(conns))
		g := startGateway(t, setup{flags: map[string]string{"max-conns": strconv.Itoa(conns), "policy": "-", "feed-interval": "1s"}})
		m := newGauge(t, g)
		besiege(t, g, descriptors(nofile), conns, "--processes=1")
		reached := m.reached(t, quiet)
		if p.Walls.Process == nil || p.Walls.Process.Name != "nofile" || reached < p.Walls.Process.Conns || reached > p.Walls.Process.Conns+256 {
			t.Errorf("got %d connections, want what was predicted (%+v) and at most the reserve of 256 more", reached, p.Walls.Process)
		}
		t.Logf("nofile of a swarm: predicted %+v, reached %d", p.Walls.Process, reached)
	})
}

// TestWallPorts: with few local ports and one source address, connections end where the doctor says, whoever takes the ports.
func TestWallPorts(t *testing.T) {
	inNamespace(t, func() {
		trial.Grow(t, 4*time.Second, func(t testing.TB, quiet time.Duration) {
			const ports = 1000
			setSysctl(t, "net.ipv4.ip_local_port_range", fmt.Sprintf("20000 %d", 20000+ports-1))
			p := askDoctor(t, nil, "--for=swarm", "--sources=1", "--conns=5000")
			g := startGateway(t, setup{flags: map[string]string{
				"listen": "127.0.0.1:8080", "admin": "127.0.0.1:9090", "max-conns": "5000", "policy": "-", "feed-interval": "1s", // ports outside of the range
			}})
			m := newGauge(t, g)
			for range 2 { // each alone would fit, and so is not held back by its own plan
				besiege(t, g, nil, ports*3/4, "--source=127.0.0.1")
			}
			compare(t, p.Walls.First, "net.ipv4.ip_local_port_range", m.reached(t, quiet), 0.01)
		})
	})
}

// TestWallConntrack: a firewall that follows connections lets no more in than the doctor says.
func TestWallConntrack(t *testing.T) {
	const entries = 2000
	if os.Getenv(namespaceEnv) == "" { // the bound belongs to the machine, where nothing must be followed that it could hit
		if followed := strings.TrimSpace(sysctl(t, "net.netfilter.nf_conntrack_count")); followed != "0" {
			t.Skipf("a firewall follows %s connections of this machine", followed)
		}
		setSysctl(t, "net.netfilter.nf_conntrack_max", strconv.Itoa(entries))
	}
	inNamespace(t, func() {
		followConnections(t)
		trial.Grow(t, 4*time.Second, func(t testing.TB, quiet time.Duration) {
			g := startGateway(t, setup{flags: map[string]string{"max-conns": "5000", "policy": "-", "feed-interval": "1s"}})
			m := newGauge(t, g)
			p := askDoctor(t, nil, "--for=both", "--conns=5000")
			for range 2 {
				besiege(t, g, nil, entries*3/4)
			}
			compare(t, p.Walls.First, "net.netfilter.nf_conntrack_max", m.reached(t, quiet), 0.02)
			eventually(t, patience, "log line that names the limit", func() bool { return g.told("net.netfilter.nf_conntrack_max is 2000") })
		})
	})
}

// TestDoctorExitCodes: the exit code answers the question, and wrong flags are told all at once.
func TestDoctorExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
		code  int
		want  []string
	}{
		{"fits", []string{"--conns=10"}, 0, []string{"First wall", "yes, 10 connections fit"}},
		{"does not fit", []string{"--conns=900000000"}, 1, []string{"First wall", "no, 900,000,000 connections do not fit", "STOP"}},
		{"values", []string{"--conns=0", "--rate=fast", "--for=me", "--targets=x"}, 2, []string{"--conns", "--rate", "--for", "--targets"}},
		{"unknown flag", []string{"--cons=4"}, 2, []string{"--cons"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runToEnd(t, 2*patience, append([]string{binaries.gateway, "doctor"}, tt.flags...)...)
			if got.code != tt.code {
				t.Errorf("got exit code %d, want %d", got.code, tt.code)
			}
			for _, part := range tt.want {
				if !strings.Contains(got.output, part) {
					t.Errorf("got no %q in the output:\n%s", part, got.output)
				}
			}
		})
	}
}
