package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// outcome is how a program that was expected to end did.
type outcome struct {
	code   int
	output string // standard output and error
}

// runToEnd runs a program that should end by itself within the time.
func runToEnd(t testing.TB, within time.Duration, line ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", line[0], err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s still ran after %v; it printed:\n%s", strings.Join(line, " "), within, out)
	}
	return outcome{code: cmd.ProcessState.ExitCode(), output: string(out)}
}

// gatewayLine is a gateway's command line with the harness's defaults and the flags.
func gatewayLine(flags map[string]string) []string {
	all := defaults()
	for name, value := range flags {
		all[name] = value
	}
	return append([]string{binaries.gateway}, arguments(all)...)
}

// checkClear checks that a program said in few lines what was wrong, and did not just fall over.
func checkClear(t testing.TB, got outcome, parts ...string) {
	t.Helper()
	checkNoCrash(t, got.output)
	for _, part := range parts {
		if !strings.Contains(got.output, part) {
			t.Errorf("got no %q in the output:\n%s", part, got.output)
		}
	}
	if lines := strings.Count(got.output, "\n"); lines > 20 {
		t.Errorf("got %d lines of output, want a few:\n%s", lines, got.output)
	}
}

// TestBadFlags: all mistakes are told at once, with exit code 2.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags map[string]string
		want  []string
	}{
		{"values", map[string]string{
			"feed": "nonsense", "feed-interval": "1ms", "loops": "-1", "heartbeat": "-5s", "max-conns": "-3", "drain": "-1s", "listen": "nowhere",
		}, []string{"--feed", "--feed-interval", "--loops", "--heartbeat", "--max-conns", "--drain", "--listen"}},
		{"syntax", map[string]string{"loops": "many", "workers": "-2", "heartbeat": "soon", "payload-bytes": "big"}, []string{"--loops", "--workers", "--heartbeat", "--payload-bytes"}},
		{"syntax and values", map[string]string{"loops": "many", "feed": "nonsense"}, []string{"--loops", "--feed"}},
		{"unknown flag", map[string]string{"hartbeat": "5s"}, []string{"--hartbeat", "--heartbeat"}},
		{"bad NATS URL", map[string]string{"nats": "http://[::1"}, []string{"--nats"}},
		{"settings that exclude each other", map[string]string{"nats": "nats://127.0.0.1:4222", "data": "/tmp/x"}, []string{"--nats", "--data"}},
		{"empty feed file", map[string]string{"feed": "replay:"}, []string{"--feed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runToEnd(t, 2*patience, gatewayLine(tt.flags)...)
			if got.code != 2 {
				t.Errorf("got exit code %d, want 2", got.code)
			}
			checkClear(t, got, tt.want...)
		})
	}
}

// TestBadConfigFile: the YAML file is checked like the flags.
func TestBadConfigFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "hartbeat: 5s\n", []string{"hartbeat"}},
		{"bad value", "feed-interval: 1ms\n", []string{"feed-interval"}},
		{"not YAML", "feed: [\n", []string{"not-yaml.yaml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, strings.ToLower(strings.ReplaceAll(tt.name, " ", "-"))+".yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got := runToEnd(t, 2*patience, binaries.gateway, "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--config="+file)
			if got.code != 2 {
				t.Errorf("got exit code %d, want 2", got.code)
			}
			checkClear(t, got, tt.want...)
		})
	}
}

// TestSettingsFromFileAndEnvironment: a flag beats the environment, which beats the file.
func TestSettingsFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte("feed: none\nmax-conns: 1\necho: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, setup{
		flags: map[string]string{"config": file, "feed": "-", "feed-interval": "-", "max-conns": "-", "listen": "127.0.0.1:0"},
		env:   []string{"TICKGATE_FEED=sim", "TICKGATE_FEED_INTERVAL=20ms", "TICKGATE_LISTEN=256.0.0.1:nowhere"},
	})
	first := openSSE(t, "http://"+g.Addr+"/sse", nil)
	checkTicks(t, payloads(first.wait(t, 20)))
	// The answer may be there before the request is, and then net/http takes the connection for broken.
	eventually(t, patience, "503 for the second client, with max-conns: 1 in the file", func() bool {
		return statusOf("http://"+g.Addr+"/sse") == http.StatusServiceUnavailable
	})
}

// TestBadSurroundings: what only shows when the gateway starts is one clear line and a non-zero exit code.
func TestBadSurroundings(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	dir := t.TempDir()
	files := map[string]string{
		"empty.csv":  "",
		"header.csv": "date,open,high,low,close\n",
		"broken.csv": "date,close\n2000-01-03,\"12\n",
		"text.csv":   "date,close\n2000-01-03,twelve\n",
		"nonsense":   "\x7fELF\x00\x01\x02\x03",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type row struct {
		name  string
		flags map[string]string
		want  []string
	}
	tests := []row{
		{"taken port", map[string]string{"listen": taken.Addr().String()}, []string{taken.Addr().String(), "in use"}},
		{"taken port with workers", map[string]string{"listen": taken.Addr().String(), "workers": "2"}, []string{taken.Addr().String(), "in use"}},
		{"taken admin port", map[string]string{"admin": taken.Addr().String()}, []string{taken.Addr().String(), "in use"}},
		{"foreign address", map[string]string{"listen": "192.0.2.1:0"}, []string{"192.0.2.1"}}, // TEST-NET-1 (RFC 5737): nobody's
		{"missing file", map[string]string{"feed": "replay:" + dir + "/none.csv"}, []string{dir + "/none.csv"}},
		{"directory", map[string]string{"feed": "replay:" + dir}, []string{dir}},
		{"missing config", map[string]string{"config": dir + "/none.yaml"}, []string{dir + "/none.yaml"}},
		{"no NATS server", map[string]string{"nats": "nats://127.0.0.1:1"}, []string{"127.0.0.1:1"}},
		{"data is a file", map[string]string{"data": dir + "/text.csv"}, []string{dir + "/text.csv"}},
	}
	for name := range files {
		tests = append(tests, row{name, map[string]string{"feed": "replay:" + filepath.Join(dir, name)}, []string{name}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runToEnd(t, 2*patience, gatewayLine(tt.flags)...)
			if got.code == 0 {
				t.Error("got exit code 0, want another")
			}
			checkClear(t, got, tt.want...)
		})
	}
}

// TestErrorsBeforeThePlan: what a typing mistake can break is told without the long line about worker processes before it.
func TestErrorsBeforeThePlan(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	none := filepath.Join(t.TempDir(), "none")
	for name, flags := range map[string]map[string]string{
		"taken port":       {"listen": taken.Addr().String()},
		"taken admin port": {"admin": taken.Addr().String()},
		"missing file":     {"feed": "replay:" + none},
		"missing keys":     {"publish-keys": none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limited := []string{"sh", "-c", `ulimit -n 400; exec "$@"`, "sh"} // so that 500 connections take workers
			got := runToEnd(t, 2*patience, append(limited, gatewayLine(flags)...)...)
			if lines := strings.Count(got.output, "\n"); got.code != 1 || lines != 1 {
				t.Errorf("got exit code %d and %d lines, want 1 and one line:\n%s", got.code, lines, got.output)
			}
		})
	}
}

// TestFullDisk: a gateway that cannot store what it acknowledges says so and ends, when the disk is full at the start and when it fills up.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	unshare := need(t, "unshare")
	need(t, "mount")
	tests := []struct {
		name, size string
		fill       string // run in the full disk's directory before the gateway
	}{
		{"full from the start", "1m", "dd if=/dev/zero of=fill bs=4k status=none 2>/dev/null || true"},
		{"fills up", "1m", "true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script := `mount -t tmpfs -o size=` + tt.size + ` none "$0" && (cd "$0" && ` + tt.fill + `) && exec "$@"`
			line := append([]string{unshare, "--map-root-user", "--mount", "sh", "-c", script, dir},
				gatewayLine(map[string]string{"data": dir, "feed-interval": "10ms", "payload-bytes": "32KiB"})...)
			if probe := runToEnd(t, 2*patience, append(append([]string{}, line[:7]...), "true")...); probe.code != 0 {
				missing(t, "this machine lets no user namespace mount a tmpfs: "+probe.output)
			}
			got := runToEnd(t, 2*patience, line...)
			if got.code == 0 {
				t.Error("got exit code 0, want another")
			}
			checkNoCrash(t, got.output)
			if !strings.Contains(got.output, "no space left") && !strings.Contains(got.output, " full") {
				t.Errorf("got no word of the full disk:\n%s", tail(got.output, 20))
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, binary := range []string{binaries.gateway, binaries.swarm} {
		got := runToEnd(t, 2*patience, binary, "--help")
		if got.code != 0 || !strings.Contains(got.output, "Usage:") {
			t.Errorf("%s --help: got exit code %d and\n%s", filepath.Base(binary), got.code, got.output)
		}
	}
}
