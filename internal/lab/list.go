package lab

import (
	"path/filepath"
	"slices"
	"time"
)

// List loads the experiments of a directory in the order of their names. It goes on after a broken one, and returns the errors of all of them.
func List(dir string) (experiments []*Experiment, broken []error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, []error{inputErrorf("%s: %w", dir, err)}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, []error{inputErrorf("no experiments (*.yaml) in %s; name their directory, or run lab in tickgate's repository", absolute(dir))}
	}
	for _, name := range names {
		exp, err := Load(name)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		experiments = append(experiments, exp)
	}
	return experiments, broken
}

// absolute is for messages: which directory was meant depends on where lab was started.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// Duration estimates how long the experiment takes: its windows, and a few seconds for each run to start, connect and stop.
func (e *Experiment) Duration() time.Duration {
	const overhead = 2 * time.Second
	window := time.Duration(e.Design.Measure)
	if e.Cut != nil {
		window = time.Duration(e.Cut.Limit) / 2
	}
	ramp := time.Duration(0)
	for i := range e.Variants {
		swarm := e.Setup(i).Swarm
		rate := swarm.Int("rate")
		if rate == 0 {
			rate = 10_000 // the swarm's default
		}
		ramp = max(ramp, time.Duration(swarm.Int("conns"))*time.Second/time.Duration(rate))
	}
	run := time.Duration(e.Design.Cooldown+e.Design.Warmup) + window + ramp + overhead
	return run * time.Duration(len(e.Schedule(0)))
}
