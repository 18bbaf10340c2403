package main

import (
	"fmt"
	"time"

	"tickgate/internal/lab"
)

// announce says what begins.
func (p program) announce(exp *lab.Experiment, store *lab.Store) {
	p.logf("%s: %s", exp.Name, exp.Question)
	p.logf("%d runs in %d blocks, seed %d, into %s", len(exp.Schedule(0)), exp.Design.Repeats, store.Manifest.Seed, store.Dir)
	for _, warning := range exp.DesignWarnings() {
		p.logf("warning: %s", warning)
	}
}

// progress says how a run went. Values are not shown: whoever sees them stops when they please.
func (p program) progress(at lab.Progress) {
	where := fmt.Sprintf("run %d of %d, block %d, %s", at.Run.Number, at.Of, at.Run.Block, at.Run.Name)
	if at.Failed != nil {
		p.logf("%s: failed: %v", where, at.Failed)
		return
	}
	p.logf("%s: %s; about %s left", where, at.Took.Round(100*time.Millisecond), at.Left.Round(time.Second))
}
