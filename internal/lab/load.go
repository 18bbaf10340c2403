package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// InputError is a mistake in what the user wrote: an experiment, a flag, a directory to resume. The command ends with status 2 for it.
type InputError struct{ Err error }

// Error returns the mistake.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake as an error of its own.
func (e *InputError) Unwrap() error { return e.Err }

// inputErrorf returns an InputError.
func inputErrorf(format string, args ...any) error { return &InputError{fmt.Errorf(format, args...)} }

// Load reads and checks the experiment in a file. Errors are InputErrors that name the file, and the line if YAML knows it.
func Load(path string) (*Experiment, error) {
	source, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputErrorf("no experiment %s; `lab list` names those there are", absolute(path))
	}
	if err != nil {
		return nil, &InputError{err}
	}
	name, isYAML := strings.CutSuffix(filepath.Base(path), ".yaml")
	if !isYAML {
		return nil, inputErrorf("%s: experiments are .yaml files", path)
	}
	exp, err := Parse(name, source)
	if err != nil {
		return nil, inputErrorf("%s: %w", path, err)
	}
	return exp, nil
}

// Parse decodes an experiment strictly, so that a misspelt key is an error and not a variant without its difference, fills in the defaults and
// checks the whole.
func Parse(name string, source []byte) (*Experiment, error) {
	exp := &Experiment{Name: name, Source: bytes.Clone(source), Design: defaultDesign}
	decoder := yaml.NewDecoder(bytes.NewReader(source), yaml.Strict())
	if err := decoder.Decode(exp); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, err
	}
	exp.setDefaults() // besides the design's, where 0s can be meant
	if err := exp.check(); err != nil {
		return nil, err
	}
	return exp, nil
}

func (e *Experiment) setDefaults() {
	setDefault(&e.Network, Loopback)
	setDefault(&e.Window, Hold)
	for i := range e.Metrics {
		m := &e.Metrics[i]
		setDefault(&m.Scale, 1)
		setDefault(&m.Effect, Ratio)
		setDefault(&m.MinEffect, Threshold{Share: defaultMinEffect})
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// InQuick returns the experiment with its quick version laid over it.
func (e *Experiment) InQuick() (*Experiment, error) {
	quick, q := *e, e.Quick
	override(&quick.Design.Repeats, q.Repeats)
	override(&quick.Design.Warmup, q.Warmup)
	override(&quick.Design.Measure, q.Measure)
	quick.Variants = make([]Variant, len(e.Variants))
	for i, v := range e.Variants {
		v.Gateway = mergeMaps(v.Gateway, q.Gateway)
		v.Swarm = mergeMaps(v.Swarm, q.Swarm)
		quick.Variants[i] = v
	}
	if err := quick.check(); err != nil {
		return nil, inputErrorf("%s: with its quick version: %w", e.Name, err)
	}
	return &quick, nil
}
