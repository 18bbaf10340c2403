package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tickgate/internal/buildinfo"
	"tickgate/internal/interrupt"
	"tickgate/internal/load"
	"tickgate/internal/load/page"
	"tickgate/internal/load/report"
	"tickgate/internal/prefork"
)

// linked is set by the Makefile from git.
var linked string

// version is what --version prints.
var version = buildinfo.Version(linked)

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if prefork.IsChild() {
		return work(stderr)
	}
	if c := commandOf(args); c != nil {
		return c.run(args[1:], stdout, stderr)
	}
	o, code := parse(args, stdout, stderr)
	if o == nil {
		return code
	}
	if err := o.tryOutputs(); err != nil {
		fmt.Fprintf(stderr, "swarm: %v\n", err)
		return exitUsage
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop, release := interrupts(func() { cancel(errForced) })
	defer release()
	r, err := attack(ctx, o, stop, stderr)
	switch {
	case errors.Is(context.Cause(ctx), errForced):
		return exitForced
	case err != nil && r == nil:
		fmt.Fprintf(stderr, "swarm: %v\n", err)
		return exitFailed
	}
	return conclude(o, r, err, stdout, stderr)
}

// errForced is the cause of a context that a second signal has ended.
var errForced = errors.New("interrupted twice")

// interrupts returns a channel that the first SIGINT or SIGTERM closes; the second one calls force.
func interrupts(force func()) (stop <-chan struct{}, release func()) {
	wishes, ignore := interrupt.Notify()
	first, done := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-wishes:
			close(first)
		case <-done:
			return
		}
		select {
		case <-wishes:
			force()
		case <-done:
		}
	}()
	return first, func() { ignore(); close(done) }
}

// attack prepares the swarm, runs it and returns its report. An error with a report is one that came in between.
func attack(ctx context.Context, o *options, stop <-chan struct{}, stderr io.Writer) (*report.Report, error) {
	if err := load.Batch(); err != nil {
		fmt.Fprintf(stderr, "swarm: %v; its threads will preempt the server's\n", err)
	}
	p, err := prepare(ctx, o, stderr)
	if err != nil {
		return nil, err
	}
	s, err := newSurvey(ctx, o)
	if err != nil {
		return nil, err
	}
	// What the server holds before the first client comes must be read before the clients' processes take memory.
	begin, err := s.mark(ctx, &load.Stats{})
	if err != nil {
		return nil, err
	}
	f, err := newFleet(ctx, p, stderr)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := s.self.Refresh(); err != nil { // the clients' processes are there now
		return nil, err
	}
	c := &conductor{o: o, plan: p, survey: s, fleet: f, stop: stop, progress: newProgress(o.progress, stderr)}
	c.run.Begin, c.run.Notes = begin, p.notes
	c.walls = newWalls(p.demand(), c.progress.say)
	c.meter = newMeter(s, p.ends(), &begin)
	return c.conduct(ctx)
}

// newFleet makes the clients in this process, or in as many as the plan says.
func newFleet(ctx context.Context, p *plan, stderr io.Writer) (fleet, error) {
	if len(p.parts) == 1 {
		spare(&p.parts[0])
		engine, err := load.New(p.parts[0])
		if err != nil {
			return nil, err
		}
		return newLocal(engine), nil
	}
	return fork(ctx, p.parts, stderr)
}

// conclude writes the report and decides about the exit code.
func conclude(o *options, r *report.Report, failure error, stdout, stderr io.Writer) int {
	met := r.Check(o.asserts)
	table := stdout
	if o.json == "-" || o.report == "-" {
		table = stderr
	}
	err := errors.Join(failure, shortfall(r), r.WriteTable(table), writeTo(o.json, stdout, r.WriteJSON),
		writeTo(o.report, stdout, func(w io.Writer) error { return page.Write(w, r) }))
	for _, v := range r.Asserts {
		if !v.OK {
			fmt.Fprintf(stderr, "swarm: assertion failed: %s (got %s)\n", v.Clause, v.Got)
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "swarm: %v\n", err)
	}
	if err != nil || !met {
		return exitFailed
	}
	return exitOK
}

// shortfall is the error of a swarm that could not open what it had planned.
func shortfall(r *report.Report) error {
	c := &r.Connections
	switch {
	case r.Phases.Stopped == stoppedByUser:
		return nil
	case c.AfterRamp >= r.Plan.Planned && c.Connected == 0:
		return fmt.Errorf("none of %d clients was still connected at the end%s", c.AfterRamp, mainFailure(c))
	case c.AfterRamp >= r.Plan.Planned:
		return nil
	}
	return fmt.Errorf("only %d of %d clients got connected%s", c.AfterRamp, r.Plan.Planned, mainFailure(c))
}

// mainFailure says why most of those failed who did.
func mainFailure(c *report.Connections) (why string) {
	var most int64
	for _, example := range c.Examples {
		kind, _, _ := strings.Cut(example, ":")
		if n := c.Failures[kind]; n > most {
			most, why = n, fmt.Sprintf("; %d x %s", n, example)
		}
	}
	return why
}

// writeTo lets write fill a file, or standard output if that is called -; no name writes nothing.
func writeTo(file string, stdout io.Writer, write func(io.Writer) error) error {
	switch file {
	case "":
		return nil
	case "-":
		return write(stdout)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
