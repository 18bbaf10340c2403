package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tickgate/internal/lab"
	"tickgate/internal/lab/report"
	"tickgate/internal/lab/undo"
)

// table is `lab table`.
func (p program) table(dirs []string) error {
	for i, dir := range dirs {
		done, err := readDone(dir)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := done.WriteMarkdown(p.stdout); err != nil {
			return err
		}
	}
	return nil
}

// keep is `lab keep`. What cannot be kept is said at the end, and the rest is kept nevertheless.
func (p program) keep(f *keepFlags) error {
	var problems []error
	for _, dir := range f.Outputs {
		problems = append(problems, p.keepOne(dir, f.Experiments))
	}
	return errors.Join(problems...)
}

// keepOne writes the result in an output directory into the file of its experiment, if that still asks the same.
func (p program) keepOne(dir, experiments string) error {
	done, err := readDone(dir)
	if err != nil {
		return err
	}
	if done.Design.Quick || done.Result.Blocks < done.Design.Repeats {
		return inputErrorf("%s: only a whole experiment is a result to keep; this one is a quick version or has runs missing (lab run --resume)", dir)
	}
	file := filepath.Join(experiments, done.Experiment+".yaml")
	source, err := os.ReadFile(file)
	if err != nil {
		return inputErrorf("%s: the experiment is not among %s: %w", dir, experiments, err)
	}
	if !lab.SameQuestion(source, []byte(done.source)) {
		return inputErrorf("%s: %s has changed since these runs; run it again", dir, file)
	}
	changed, err := lab.WithMeasured(source, done.Measured())
	if err != nil {
		return err
	}
	if err := undo.WriteFile(file, changed); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %s\n", file, done.Result.Headline)
	return nil
}

// done is a finished experiment as its output directory tells it.
type done struct {
	*report.Report
	source string // of the experiment
}

func readDone(dir string) (d done, err error) {
	store, err := lab.Open(dir)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	exp, err := store.Experiment()
	if err != nil {
		return d, err
	}
	d.source = store.Manifest.Source
	d.Report, err = report.New(exp, store)
	return d, err
}

func inputErrorf(format string, args ...any) error {
	return &lab.InputError{Err: fmt.Errorf(format, args...)}
}
