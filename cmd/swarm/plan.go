package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"tickgate/internal/limits"
	"tickgate/internal/load/cost/planner"
	"tickgate/internal/load/report"
)

// planFlags is the command line of `swarm plan`.
type planFlags struct {
	Report  string   `arg:"" name:"REPORT.json" help:"A run's --json report, with a ramp of 10,000 connections or more; --rate 2000 gives it enough samples."`
	Conns   []string `placeholder:"N" help:"How many connections to plan for; may be repeated. Default 100000 and 1000000, or none with --against."`
	Against string   `placeholder:"FILE" help:"The report of a larger run, to be held against what is predicted for it."`
	JSON    bool     `name:"json" help:"Write the plan as JSON."`
}

const (
	planName  = "plan"
	aboutPlan = `Predicts from the report of one run what more connections need: memory of server and kernel, processors, descriptors, and what this machine runs out of first.

  swarm plan --conns 100000 --conns 1000000 20k.json
  swarm plan 20k.json --against 100k.json`
	// maxPlanned is more than any machine holds.
	maxPlanned = 100_000_000
)

// runPlan is `swarm plan`.
func runPlan(args []string, stdout, stderr io.Writer) int {
	var f planFlags
	if ok, code := parseCommand(planName, aboutPlan, &f, args, stdout, stderr); !ok {
		return code
	}
	conns, err := f.numbers()
	if err != nil {
		return misused(stderr, planName, err)
	}
	p, err := f.planner()
	if err != nil {
		return misused(stderr, planName, err)
	}
	plan := planner.Plan{From: p.From(), Notes: p.Notes()}
	for _, n := range conns {
		plan.Predictions = append(plan.Predictions, p.Predict(n))
	}
	if f.Against != "" {
		if plan.Against, err = against(p, f.Against); err != nil {
			return misused(stderr, planName, err)
		}
	}
	write := plan.WriteText
	if f.JSON {
		write = plan.WriteJSON
	}
	if err := write(stdout); err != nil {
		fmt.Fprintf(stderr, "swarm plan: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// numbers returns the numbers of connections to plan for.
func (f *planFlags) numbers() (conns []int, err error) {
	if len(f.Conns) == 0 && f.Against == "" {
		return []int{100_000, 1_000_000}, nil
	}
	for _, text := range f.Conns {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPlanned {
			return nil, fmt.Errorf("--conns: %q is no number of connections; write 1 to %d", text, maxPlanned)
		}
		conns = append(conns, n)
	}
	return conns, nil
}

// planner reads the report, and this machine with the descriptors that a gateway would give itself.
func (f *planFlags) planner() (*planner.Planner, error) {
	run, err := readReport(f.Report)
	if err != nil {
		return nil, err
	}
	if _, err := limits.RaiseNofile(maxPlanned); err != nil {
		return nil, err
	}
	machine, err := limits.Read("/")
	if err != nil {
		return nil, err
	}
	p, err := planner.New(run, machine)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Report, err)
	}
	return p, nil
}

func against(p *planner.Planner, file string) ([]planner.Comparison, error) {
	run, err := readReport(file)
	if err != nil {
		return nil, err
	}
	all, err := p.Compare(run)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return all, nil
}

// readReport reads a run's --json file.
func readReport(file string) (*report.Report, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) {
		return nil, fmt.Errorf("read report %s: this is the page; give the JSON (--json FILE), or save it from the page's link", file)
	}
	r := new(report.Report)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read report %s: %w", file, err)
	}
	if r.Schema != report.Schema {
		return nil, fmt.Errorf("read report %s: its schema is %q and not %s; give a file that swarm --json has written", file, r.Schema, report.Schema)
	}
	return r, nil
}
