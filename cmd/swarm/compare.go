package main

import (
	"fmt"
	"io"

	"tickgate/internal/load/compare"
)

// compareFlags is the command line of `swarm compare`.
type compareFlags struct {
	A    string `arg:"" name:"A.json" help:"A run's --json report: the one before, or the baseline."`
	B    string `arg:"" name:"B.json" help:"The report of the run that is compared with it."`
	JSON bool   `name:"json" help:"Write the comparison as JSON."`
}

const (
	compareName  = "compare"
	aboutCompare = `Shows two runs side by side: what was different about them, what came out differently, and which of the differences are larger than the runs vary within themselves. What is better, only repeats can say: see lab.

  swarm compare before.json after.json`
)

// runCompare is `swarm compare`.
func runCompare(args []string, stdout, stderr io.Writer) int {
	var f compareFlags
	if ok, code := parseCommand(compareName, aboutCompare, &f, args, stdout, stderr); !ok {
		return code
	}
	a, err := readReport(f.A)
	if err != nil {
		return misused(stderr, compareName, err)
	}
	b, err := readReport(f.B)
	if err != nil {
		return misused(stderr, compareName, err)
	}
	c := compare.Compare(a, b, f.A, f.B)
	write := c.WriteText
	if f.JSON {
		write = c.WriteJSON
	}
	if err := write(stdout); err != nil {
		fmt.Fprintf(stderr, "swarm compare: %v\n", err)
		return exitFailed
	}
	return exitOK
}
