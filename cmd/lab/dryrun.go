package main

import (
	"fmt"
	"strings"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/bench"
)

// dryRun says what a run would do. What stands in its way is said too, and is the result.
func (p program) dryRun(exp *lab.Experiment, cfg bench.Config, obstacle error) error {
	var b strings.Builder
	describe(&b, exp)
	for i, v := range exp.Variants {
		fmt.Fprintf(&b, "\n%s\n", v.Name)
		setup := exp.Setup(i)
		for _, name := range keys(setup.Sysctl) {
			fmt.Fprintf(&b, "  sysctl -w %s='%s'%s\n", name, setup.Sysctl[name], p.current(name, exp.Network))
		}
		if setup.Conntrack != nil && *setup.Conntrack {
			fmt.Fprintf(&b, "  connection tracking is switched on in the namespace\n")
		}
		for _, command := range bench.Command(cfg, exp, i) {
			fmt.Fprintf(&b, "  %s\n", command)
		}
	}
	runs := exp.Schedule(0)
	fmt.Fprintf(&b, "\n%d runs in %d blocks (%s), about %s; the order depends on the seed\n", len(runs), exp.Design.Repeats, exp.Design.Order, exp.Duration().Round(time.Minute))
	for _, warning := range exp.DesignWarnings() {
		fmt.Fprintln(&b, "warning:", warning)
	}
	if _, err := fmt.Fprint(p.stdout, b.String()); err != nil {
		return err
	}
	return obstacle
}

// current tells the value that a sysctl has now and gets back.
func (p program) current(name string, network lab.Network) string {
	if network != lab.Loopback && strings.HasPrefix(name, "net") {
		return "    # in a network namespace that vanishes with the run"
	}
	value, err := p.tree.Read(name)
	if err != nil {
		return "    # " + err.Error()
	}
	return fmt.Sprintf("    # now '%s', restored after every run", value)
}
