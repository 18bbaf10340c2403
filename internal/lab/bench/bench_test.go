package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/lab"
	"tickgate/internal/lab/bench"
	"tickgate/internal/lab/bench/benchtest"
	"tickgate/internal/lab/sysctl"
	"tickgate/internal/lab/undo"
)

func TestMain(m *testing.M) {
	benchtest.Main()
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		fmt.Fprintln(os.Stderr, execElsewhere(os.Args[2:]))
		os.Exit(1)
	}
	if os.Getenv(envDeathSignal) != "" {
		os.Exit(printDeathSignal())
	}
	// The race detector makes every process sleep for a second at its end; those that the tests start shall not.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// settings notes what is applied and whether it is restored.
type settings struct {
	applied  [][]undo.Setting
	restored int
}

func (s *settings) Apply(list []undo.Setting) error {
	s.applied = append(s.applied, list)
	return nil
}

func (s *settings) Restore() error {
	s.restored++
	return nil
}

const source = `
question: q
expectation: e
design: {warmup: 0s, measure: 50ms, cooldown: 0s, timeout: 2m}
metrics: [{name: m, value: swarm.latency.p99_ms, better: lower}]
common: {swarm: {conns: 5}}
variants: [{name: A}, {name: B, gateway: {slice: 7}}]
`

func parse(t *testing.T, text string) *lab.Experiment {
	t.Helper()
	exp, err := lab.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return exp
}

func config(t *testing.T) bench.Config {
	t.Helper()
	gateway, swarm, err := benchtest.Install(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bench.Config{Gateway: gateway, Swarm: swarm, Shim: []string{os.Args[0], "exec"}, Settings: &settings{}}
}

// runVariant makes one run of the second variant.
func runVariant(t *testing.T, ctx context.Context, cfg bench.Config, text string) (*lab.Record, error) {
	t.Helper()
	b, err := bench.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	exp := parse(t, text)
	if err := bench.Check(cfg, exp, sysctl.Tree{}); errors.As(err, new(*lab.SkipError)) {
		t.Skip(err)
	}
	logs := t.TempDir()
	record, err := b.Run(ctx, lab.Job{Experiment: exp, Run: lab.Run{Number: 1, Variant: 1, Name: "B"}, Logs: logs})
	noProcess(t, cfg)
	return record, err
}

// noProcess fails if a stand-in of this test is still there.
func noProcess(t *testing.T, cfg bench.Config) {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if strings.HasPrefix(string(line), cfg.Gateway) || strings.HasPrefix(string(line), cfg.Swarm) {
			t.Errorf("%s still runs: %q", file, line)
		}
	}
}

func value(t *testing.T, record *lab.Record, address string) float64 {
	t.Helper()
	x, err := lab.Metric{Name: address, Value: address, Scale: 1}.Of(&record.Measurement)
	if err != nil {
		t.Error(err)
	}
	return x
}

func TestRun(t *testing.T) {
	for _, network := range []string{"loopback", "private", "link"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			text := strings.Replace(source, "gateway: {slice: 7}", "gateway: {slice: 7}, nofile: 512, env: {GOGC: 77}, sysctl: {net.ipv4.tcp_retries2: 7}", 1)
			record, err := runVariant(t, t.Context(), cfg, text+"network: "+network+"\n")
			if err != nil {
				t.Fatal(err)
			}
			for address, want := range map[string]float64{
				"swarm.latency.p99_ms":                  12.5,
				"lab.connected":                         5,
				"gateway.tickgate_connections":          5,
				"gateway.test_nofile":                   512,
				`gateway.test_environment{gogc="77"}`:   1,
				"lab.gateway_processes":                 1,
				"gateway.tickgate_accepts_total":        0, // before the window
				`gateway.test_seconds_bucket{le="0.1"}`: 0,
			} {
				if got := value(t, record, address); got != want {
					t.Errorf("%s: got %v, want %v", address, got, want)
				}
			}
			if len(record.Commands) != 2 || !strings.Contains(record.Commands[0], "--slice=7") || !strings.Contains(record.Commands[0], "GOGC=77") {
				t.Errorf("got commands %q, want that of the gateway and that of the swarm", record.Commands)
			}
			if !slices.Contains(record.Notes, "swarm: a remark") {
				t.Errorf("got notes %q, want the swarm's remark", record.Notes)
			}
			checkSettings(t, cfg.Settings.(*settings), network)
		})
	}
}

// checkSettings: the machine's sysctls are touched only on its own loopback, and restored.
func checkSettings(t *testing.T, s *settings, network string) {
	t.Helper()
	if len(s.applied) != 1 || s.restored != 1 {
		t.Fatalf("got %d times applied and %d times restored, want once each", len(s.applied), s.restored)
	}
	if touched := len(s.applied[0]) > 0; touched != (network == "loopback") {
		t.Errorf("got the machine's settings %v applied, want that only on loopback", s.applied[0])
	}
}

func TestWholeWindow(t *testing.T) {
	t.Parallel()
	record, err := runVariant(t, t.Context(), config(t), source+"window: whole\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, record, "gateway.tickgate_accepts_total"); got != 5 {
		t.Errorf("got %v accepts, want 5: the window begins before the first client", got)
	}
}

// TestCut: clients that vanish are waited for until the limit; the stand-in never notices.
func TestCut(t *testing.T) {
	t.Parallel()
	record, err := runVariant(t, t.Context(), config(t), source+"network: link\ncut: {limit: 300ms}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, record, "lab.forget_seconds"); got != 0.3 {
		t.Errorf("got %v s, want the limit of 0.3", got)
	}
	if got := value(t, record, "lab.remembered"); got != 5 {
		t.Errorf("got %v remembered clients, want 5", got)
	}
}

// TestChurn: clients that are away at any time are not waited for.
func TestChurn(t *testing.T) {
	t.Parallel()
	record, err := runVariant(t, t.Context(), config(t), strings.Replace(source, "conns: 5", "conns: 5, churn: 2", 1))
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(record.Notes, "\n"); strings.Contains(notes, "were connected when the ramp ended") {
		t.Errorf("got notes %q, want none about clients that are away", notes)
	}
	if got := value(t, record, "lab.connected"); got != 3 {
		t.Errorf("got %v connected clients, want the 3 that stay", got)
	}
}

// TestReportInSpiteOfStatus: a swarm that lost messages has measured nevertheless.
func TestReportInSpiteOfStatus(t *testing.T) {
	t.Parallel()
	record, err := runVariant(t, t.Context(), config(t), strings.Replace(source, "conns: 5", "conns: 5, fail: true", 1))
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(record.Notes, "\n"); !strings.Contains(notes, "2 messages were lost") {
		t.Errorf("got notes %q, want what the swarm said", notes)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"gateway ends at once", "slice: 7", "mode: crash", "out of luck"},
		{"gateway ends later", "slice: 7", "mode: die", "the gateway ended"},
		{"gateway is never ready", "slice: 7}}]\n", "mode: hang}}]\ndesign: {warmup: 0s, measure: 50ms, cooldown: 0s, timeout: 1s}\n", "not done within"},
		{"no report", "conns: 5", "conns: 5, report: oops", "no report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			text := strings.Replace(source, tt.old, tt.new, 1)
			if strings.Count(text, "design:") > 1 {
				text = strings.Replace(text, "design: {warmup: 0s, measure: 50ms, cooldown: 0s, timeout: 2m}\n", "", 1)
			}
			if _, err := runVariant(t, t.Context(), cfg, text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if s := cfg.Settings.(*settings); s.restored != 1 {
				t.Errorf("got %d times restored, want once", s.restored)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	text := strings.Replace(source, "measure: 50ms", "measure: 10s", 1)
	if _, err := runVariant(t, ctx, config(t), text); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestRebuiltProgram: all runs are of the same program.
func TestRebuiltProgram(t *testing.T) {
	cfg := config(t)
	own := filepath.Join(t.TempDir(), "gateway")
	if err := os.WriteFile(own, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	cfg.Gateway = own
	b, err := bench.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.Chtimes(own, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err = b.Run(t.Context(), lab.Job{Experiment: parse(t, source), Logs: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "built anew") {
		t.Errorf("got %v, want an error that the gateway was built anew", err)
	}
}

func TestCheck(t *testing.T) {
	cfg := config(t)
	tests := []struct {
		name, with, want string
		skip             bool
	}{
		{"unknown flag", "gateway: {slices: 7}", "no flag --slices", false},
		{"unknown flag of the swarm", "swarm: {connections: 7}", "no flag --connections", false},
		{"no other I/O models", "io: gnet", "--io", true},
		{"descriptor limit", "nofile: 18446744073709551614", "hard limit", true},
		{"no such sysctl", "sysctl: {net.ipv4.tcp_no_such_thing: 1}", "no sysctl", true},
	}
	for _, tt := range tests {
		exp := parse(t, strings.Replace(source, "gateway: {slice: 7}", tt.with, 1))
		err := bench.Check(cfg, exp, sysctl.Tree{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
		if skip, input := new(lab.SkipError), new(lab.InputError); errors.As(err, &skip) != tt.skip || errors.As(err, &input) == tt.skip {
			t.Errorf("%s: got %T, want skip = %v and a mistake otherwise", tt.name, err, tt.skip)
		}
	}
	if err := bench.Check(cfg, parse(t, source), sysctl.Tree{}); err != nil {
		t.Errorf("got %v, want nothing in the way", err)
	}
	cfg.Gateway = filepath.Join(t.TempDir(), "nothing")
	if err := bench.Check(cfg, parse(t, source), sysctl.Tree{}); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("got %v, want an error that says how to get the program", err)
	}
}

func TestCommand(t *testing.T) {
	text := strings.Replace(source, "gateway: {slice: 7}", "gateway: {slice: 7}, nofile: 512, env: {GOGC: 'off', GOMEMLIMIT: 1 GiB}, swarm: {header: [A: 1]}", 1)
	text = strings.Replace(text, "[A: 1]", "['A: 1', B]", 1)
	got := bench.Command(bench.Config{Gateway: "bin/gateway", Swarm: "bin/swarm"}, parse(t, text), 1)
	want := []string{
		"prlimit --nofile=512:512 env GOGC=off 'GOMEMLIMIT=1 GiB' bin/gateway --listen=127.0.0.1:0 --admin=127.0.0.1:0 --slice=7",
		"bin/swarm --json=- --progress=off --hold=15.05s --conns=5 '--header=A: 1' --header=B --admin=http://127.0.0.1:0 http://127.0.0.1:0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
