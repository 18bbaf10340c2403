package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/report"
)

const source = `
question: Does <i>B</i> differ?
expectation: Yes.
design: {repeats: 8}
metrics:
  - {name: latency, value: lab.latency, unit: ms, better: lower}
  - {name: losses, value: lab.losses, effect: difference, better: lower}
common: {swarm: {conns: 1}}
variants: [{name: A}, {name: B, about: the other one, gateway: {slice: 1}, sysctl: {net.core.somaxconn: 9}}]
`

// newReport stores as many runs of an experiment as given and reports them.
func newReport(t *testing.T, runs int) (*report.Report, string) {
	t.Helper()
	exp, err := lab.Parse("test", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	store, err := lab.Create(t.TempDir(), lab.Manifest{Name: "test", Seed: 1, Repeats: 8, Source: source, Created: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i, run := range exp.Schedule(1)[:runs] {
		record := &lab.Record{
			Run: run, Started: time.Unix(int64(i), 0), Took: 1, Commands: []string{"gateway --x='</script><i>'"}, Notes: []string{"a & b"},
			Measurement: lab.Measurement{Lab: map[string]float64{"latency": 10 + float64(run.Variant)*2 + float64(i%3)/10, "losses": 0}},
		}
		if err := store.Put(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.PutFailure(lab.Failure{Run: lab.Run{Number: 2, Name: "B"}, Error: "port taken"}); err != nil {
		t.Fatal(err)
	}
	r, err := report.New(exp, store)
	if err != nil {
		t.Fatal(err)
	}
	return r, store.Dir
}

func TestText(t *testing.T) {
	r, _ := newReport(t, 32)
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"latency B vs A: +", "differs, worse", "no measurable effect", "8 blocks (abba, seed 1), 32 runs", "run 2 (B) failed once and was made again: port taken"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got %s, want it to contain %q", &b, want)
		}
	}
}

// TestPage: the page is one file, with what users wrote escaped, and the data in it is what result.json has.
func TestPage(t *testing.T) {
	r, dir := newReport(t, 32)
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, report.HTMLFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(page, []byte("<circle class")); n != 64 {
		t.Errorf("got %d dots, want one for each of 32 runs and 2 metrics", n)
	}
	for _, not := range []string{"http://", "https://", "src=", "NaN", "Inf", "<i>B", "</script><i>", "ZgotmplZ", "%!"} {
		if bytes.Contains(page, []byte(not)) {
			t.Errorf("the page contains %q", not)
		}
	}
	embedded := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindSubmatch(page)
	stored, err := os.ReadFile(filepath.Join(dir, report.JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	if embedded == nil || compact(t, embedded[1]) != compact(t, stored) {
		t.Error("the embedded data is not that of result.json")
	}
}

// compact returns JSON without spaces and with every character escaped alike.
func compact(t *testing.T, text []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(value)
	return string(again)
}

// TestFewRuns: what cannot be computed is left out of pictures and JSON.
func TestFewRuns(t *testing.T) {
	for _, runs := range []int{0, 1, 4, 12} {
		r, dir := newReport(t, runs)
		if err := r.Write(dir); err != nil {
			t.Errorf("%d runs: %v", runs, err)
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, report.HTMLFile))
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`NaN|Inf|ZgotmplZ`).Find(page); found != nil {
			t.Errorf("%d runs: the page contains %q", runs, found)
		}
		var b strings.Builder
		if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), fmt.Sprintf("left out: %d of 8 blocks", 8-runs/4)) {
			t.Errorf("%d runs: got %v and %s, want a warning about incomplete blocks", runs, err, &b)
		}
	}
}
