package lab_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// simple is a small experiment; tests replace parts of it.
const simple = `
question: Is B slower?
expectation: Yes.
design: {order: abba, repeats: 8, warmup: 0s, measure: 1s, cooldown: 0s}
metrics:
  - {name: latency, value: swarm.latency.p99_ms, unit: ms, better: lower}
common:
  swarm: {conns: 10}
variants:
  - name: A
  - name: B
    gateway: {slice: 1024}
`

func parse(t *testing.T, source string) *lab.Experiment {
	t.Helper()
	exp, err := lab.Parse("test", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return exp
}

func TestParse(t *testing.T) {
	exp := parse(t, simple)
	if exp.Design.Warmup != 0 || exp.Design.Timeout != lab.Duration(time.Minute) {
		t.Errorf("got warm-up %s and timeout %s, want 0s as given and 1m0s by default", exp.Design.Warmup, exp.Design.Timeout)
	}
	if exp.Network != lab.Loopback || exp.Window != lab.Hold || exp.Metrics[0].Effect != lab.Ratio || exp.Metrics[0].MinEffect.Share != 0.05 {
		t.Errorf("got %+v, want the defaults", exp)
	}
	b := exp.Setup(1)
	if got := strings.Join(append(b.Gateway.Args(), b.Swarm.Args()...), " "); got != "--slice=1024 --conns=10" {
		t.Errorf("got %q, want the flags of both levels", got)
	}
}

func TestBadInput(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(simple, old, new, 1) }
	tests := []struct{ name, source, want string }{
		{"empty", "", "empty"},
		{"not YAML", "question: [", "question"},
		{"unknown key", replace("expectation:", "expectaton:"), `unknown field "expectaton"`},
		{"unknown key within", replace("warmup: 0s", "warm-up: 0s"), `unknown field "warm-up"`},
		{"unknown key of a variant", replace("gateway: {slice: 1024}", "gatway: {slice: 1024}"), `unknown field "gatway"`},
		{"key twice", simple + "question: again\n", "question"},
		{"no question", replace("question: Is B slower?", ""), "question: missing"},
		{"duration", replace("measure: 1s", "measure: 1"), "want a duration"},
		{"order", replace("order: abba", "order: baab"), `design.order: got "baab", want abba or random`},
		{"repeats", replace("repeats: 8", "repeats: 0"), "design.repeats: got 0"},
		{"direction", replace("better: lower", "better: less"), "metrics[0].better"},
		{"address", replace("swarm.latency.p99_ms", "latency"), "metrics[0].value"},
		{"quantile", replace("swarm.latency.p99_ms", "gateway.x:p100"), "quantile"},
		{"threshold", replace("better: lower", "better: lower, min-effect: -5%"), "positive percentage"},
		{"absolute threshold of a ratio", replace("better: lower", "better: lower, min-effect: 3"), "a ratio needs a percentage"},
		{"one variant", replace("  - name: B\n    gateway: {slice: 1024}\n", ""), "at least two"},
		{"same name", replace("name: B", "name: A"), `"A" is taken`},
		{"no difference", replace("    gateway: {slice: 1024}\n", ""), `"B" is the same as "A"`},
		{"dashes", replace("slice: 1024", "--slice: 1024"), "without dashes"},
		{"lab's own flag", replace("slice: 1024", "listen: :80"), "lab sets this flag itself"},
		{"nested flag", replace("slice: 1024", "slice: {a: 1}"), "single string"},
		{"environment", replace("gateway: {slice: 1024}", "env: {LD_PRELOAD: x}"), "only variables of the Go runtime"},
		{"sysctl out of its tree", replace("gateway: {slice: 1024}", "sysctl: {../../etc/passwd: x}"), "not the name of a sysctl"},
		{"I/O model", replace("gateway: {slice: 1024}", "io: uring"), "variants[1].io"},
		{"conntrack on loopback", replace("gateway: {slice: 1024}", "conntrack: true"), "use network: private"},
		{"cut on loopback", simple + "cut: {limit: 1s}\n", "only with network: link"},
		{"slow loopback", simple + "link-rate: 1mbit\n", "only with network: link"},
		{"bandwidth", simple + "network: link\nlink-rate: fast\n", "such as 40mbit"},
		{"no clients", replace("conns: 10", "rate: 10"), "swarm.conns: missing"},
	}
	for _, tt := range tests {
		_, err := lab.Parse("test", []byte(tt.source))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

// TestAllProblemsAtOnce: whoever has made three mistakes does not want to be told of one at a time.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := lab.Parse("test", []byte("question: x\nmetrics: []\nvariants: []\n"))
	for _, want := range []string{"expectation: missing", "metrics: missing", "variants: got 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q too", err, want)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	for _, name := range []string{"missing.yaml", "wrong.yaml", "wrong.txt"} {
		path := filepath.Join(t.TempDir(), name)
		if strings.HasPrefix(name, "wrong") {
			if err := os.WriteFile(path, []byte("question: x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := lab.Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want an error that names %s", err, path)
		}
	}
}

// TestReference: the reference is a valid experiment and has every key.
func TestReference(t *testing.T) {
	exp := parse(t, lab.Reference)
	if _, err := exp.InQuick(); err != nil {
		t.Error(err)
	}
	types, err := os.ReadFile("experiment.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`yaml:"([a-z][a-z-]*)"`).FindAllSubmatch(types, -1) {
		if key := string(match[1]); !regexp.MustCompile(`\b` + key + `:`).MatchString(lab.Reference) {
			t.Errorf("reference.yaml does not have the key %s", key)
		} else if key != "limit" && !strings.Contains(string(docs), key) {
			t.Errorf("doc.go does not name the key %s", key)
		}
	}
}

// TestShippedExperiments: all of them are valid, in their quick version too, and can show a difference if there is one, or say that they do not try.
func TestShippedExperiments(t *testing.T) {
	experiments, broken := lab.List("../../experiments")
	for _, err := range broken {
		t.Error(err)
	}
	for _, exp := range experiments {
		if _, err := exp.InQuick(); err != nil {
			t.Error(err)
		}
		if warnings := exp.DesignWarnings(); len(warnings) > 0 && !exp.MediansOnly {
			t.Errorf("%s: %s", exp.Name, warnings[0])
		}
	}
}

func TestScheduleIsBalanced(t *testing.T) {
	for _, order := range []lab.Order{lab.Mirrored, lab.Random} {
		exp := parse(t, strings.Replace(simple, "    gateway: {slice: 1024}\n", "    gateway: {slice: 1024}\n  - name: C\n    gateway: {slice: 64}\n", 1))
		exp.Design.Order, exp.Design.Repeats = order, 50
		first := make([]int, 3)
		byBlock := map[int][]int{}
		for i, run := range exp.Schedule(7) {
			if run.Number != i+1 {
				t.Fatalf("got number %d, want %d", run.Number, i+1)
			}
			byBlock[run.Block] = append(byBlock[run.Block], run.Variant)
		}
		for block, variants := range byBlock {
			first[variants[0]]++
			if order == lab.Mirrored {
				mirrored := slices.Clone(variants)
				slices.Reverse(mirrored)
				if !slices.Equal(variants, mirrored) {
					t.Errorf("block %d: got %v, want it to be its own mirror image", block, variants)
				}
				variants = variants[:3]
			}
			if sorted := slices.Sorted(slices.Values(variants)); !slices.Equal(sorted, []int{0, 1, 2}) {
				t.Errorf("%s, block %d: got %v, want every variant once", order, block, variants)
			}
		}
		for v, n := range first {
			if n < 8 { // of 50, in one of 3 places; fewer than 8 happens once in 1,000 seeds
				t.Errorf("%s: variant %d is the first of %d blocks of 50, want about 17", order, v, n)
			}
		}
	}
}

func TestScheduleDependsOnTheSeedAlone(t *testing.T) {
	exp := parse(t, simple)
	if !slices.Equal(exp.Schedule(1), exp.Schedule(1)) {
		t.Error("got two orders for one seed")
	}
	if slices.Equal(exp.Schedule(1), exp.Schedule(2)) {
		t.Error("got one order for two seeds")
	}
	long := *exp
	long.Design.Repeats++
	if got := long.Schedule(1)[:len(exp.Schedule(1))]; !slices.Equal(got, exp.Schedule(1)) {
		t.Error("another block changed the order of those before it")
	}
}

func TestQuick(t *testing.T) {
	exp := parse(t, simple+"quick: {repeats: 2, measure: 500ms, swarm: {conns: 3}}\n")
	quick, err := exp.InQuick()
	if err != nil {
		t.Fatal(err)
	}
	if quick.Design.Repeats != 2 || quick.Setup(1).Swarm.Int("conns") != 3 || quick.Setup(1).Gateway.Int("slice") != 1024 {
		t.Errorf("got %+v, want the quick version over the experiment", quick)
	}
	if exp.Setup(1).Swarm.Int("conns") != 10 {
		t.Error("the experiment itself has changed")
	}
	same := parse(t, simple+"quick: {gateway: {slice: 3}}\n")
	if _, err := same.InQuick(); err == nil || !strings.Contains(err.Error(), "quick") {
		t.Errorf("got %v, want an error: the quick version takes the difference away", err)
	}
}
