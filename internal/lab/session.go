package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bench makes single runs; see package bench for the one with real processes.
type Bench interface {
	// Run makes one run, cold, and returns its record without its number and times.
	Run(ctx context.Context, job Job) (*Record, error)
}

// Job is one run to be made.
type Job struct {
	Experiment *Experiment
	Run        Run
	Logs       string // directory for what the programs write
}

// Session makes the runs of an experiment that are not made yet.
type Session struct {
	Experiment *Experiment
	Store      *Store
	Bench      Bench
	// Progress is told of every run that was made, and of every attempt that failed. It may not be nil.
	Progress func(Progress)
}

// Progress is where a session is.
type Progress struct {
	Run    Run
	Of     int           // runs in all
	Took   time.Duration // with all attempts
	Left   time.Duration // estimated for all that are left
	Failed error         // why the attempt failed; nil if it did not
}

// attempts is how often a run is tried. A second time is enough for a port that somebody else took; what fails twice has to be looked at.
const attempts = 2

// Run makes the runs that are missing, in the planned order, and stores each. It stops at the first that fails again and again; a later Session goes on
// from there.
func (s *Session) Run(ctx context.Context) error {
	records, err := s.Store.Records()
	if err != nil {
		return err
	}
	done := map[int]bool{}
	for _, r := range records {
		done[r.Run.Number] = true
	}
	plan := s.Experiment.Schedule(s.Store.Manifest.Seed)
	begin := time.Now()
	made := 0
	for _, run := range plan {
		if done[run.Number] {
			continue
		}
		started := time.Now()
		if err := s.attempt(ctx, run, len(plan)); err != nil {
			return fmt.Errorf("run %d (%s): %w", run.Number, run.Name, err)
		}
		done[run.Number] = true
		made++
		left := time.Since(begin) / time.Duration(made) * time.Duration(len(plan)-len(done))
		s.Progress(Progress{Run: run, Of: len(plan), Took: time.Since(started), Left: left})
	}
	return nil
}

// attempt makes a run, again if it fails, and stores it.
func (s *Session) attempt(ctx context.Context, run Run, of int) error {
	var failed error
	for range attempts {
		record, err := s.once(ctx, run)
		if err == nil {
			return s.Store.Put(record)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failed = err
		s.Progress(Progress{Run: run, Of: of, Failed: err})
		if err := s.Store.PutFailure(Failure{Run: run, At: time.Now(), Error: err.Error()}); err != nil {
			return err
		}
	}
	return fmt.Errorf("failed %d times: %w", attempts, failed)
}

// once makes a run and checks that it yields every metric.
func (s *Session) once(ctx context.Context, run Run) (*Record, error) {
	if err := rest(ctx, time.Duration(s.Experiment.Design.Cooldown)); err != nil {
		return nil, err
	}
	load, begin := loadAverage(), time.Now()
	record, err := s.Bench.Run(ctx, Job{Experiment: s.Experiment, Run: run, Logs: s.Store.Logs()})
	if err != nil {
		return nil, err
	}
	record.Run, record.Started, record.Took, record.Load = run, begin, time.Since(begin).Seconds(), load
	var problems []error
	for _, metric := range s.Experiment.Metrics {
		_, err := metric.Of(&record.Measurement)
		problems = append(problems, err)
	}
	return record, errors.Join(problems...)
}

// rest lets the machine come to rest.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loadAverage returns that of the last minute, or 0 if it cannot be read.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
