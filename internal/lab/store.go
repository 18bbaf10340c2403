package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab/undo"
)

// Manifest says what the runs in an output directory are runs of. It is written before the first run and never changes.
type Manifest struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Seed    uint64    `json:"seed"`
	Repeats int       `json:"repeats"`
	Quick   bool      `json:"quick,omitempty"`
	// Source is the text of the experiment.
	Source string `json:"source"`
	// Environment is that of the first run; all others must have the same in what Environment.conflict compares.
	Environment Environment `json:"environment"`
}

// Store is an output directory: the manifest, a file for each run, the logs. It is for one goroutine, and for one process at a time.
type Store struct {
	Dir      string
	Manifest Manifest
	lock     *os.File
}

const (
	manifestFile = "manifest.json"
	runsDir      = "runs"
	logsDir      = "logs"
)

// Create makes an output directory, which must not exist or be empty.
func Create(dir string, m Manifest) (*Store, error) {
	for _, sub := range []string{runsDir, logsDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("make output directory: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); err == nil {
		return nil, inputErrorf("%s holds an experiment already; continue it with --resume %s, or choose another --out", dir, dir)
	}
	s := &Store{Dir: dir, Manifest: m}
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	if err := s.write(manifestFile, m); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Open opens an output directory to continue it or to look at it.
func Open(dir string) (*Store, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputErrorf("%s: there is no experiment in it (no %s)", dir, manifestFile)
	}
	if err != nil {
		return nil, fmt.Errorf("open output directory: %w", err)
	}
	s := &Store{Dir: dir}
	if err := json.Unmarshal(text, &s.Manifest); err != nil {
		return nil, inputErrorf("%s: %w", filepath.Join(dir, manifestFile), err)
	}
	return s, s.takeLock()
}

// takeLock keeps two labs from continuing the same experiment.
func (s *Store) takeLock() error {
	lock, err := os.Open(s.Dir)
	if err != nil {
		return fmt.Errorf("open output directory: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return inputErrorf("%s is in use by another lab", s.Dir)
	}
	s.lock = lock
	return nil
}

// Close lets go of the directory.
func (s *Store) Close() error { return s.lock.Close() }

// Experiment returns the experiment that the runs are runs of, as it was when they began.
func (s *Store) Experiment() (*Experiment, error) {
	exp, err := Parse(s.Manifest.Name, []byte(s.Manifest.Source))
	if err == nil && s.Manifest.Quick {
		exp, err = exp.InQuick()
	}
	if err != nil {
		return nil, inputErrorf("%s: %w", filepath.Join(s.Dir, manifestFile), err)
	}
	exp.Design.Repeats = s.Manifest.Repeats
	return exp, nil
}

// Continue says whether runs may be added to the store here and now; the error is an InputError with the reason.
func (s *Store) Continue(here Environment, source []byte) error {
	if source != nil && string(source) != s.Manifest.Source {
		return inputErrorf("%s: the experiment has changed since its first run; begin a new one", s.Dir)
	}
	if why := here.conflict(s.Manifest.Environment); why != "" {
		return inputErrorf("%s: %s; runs of both must not be mixed, begin a new experiment", s.Dir, why)
	}
	return nil
}

// Logs returns the directory of what the programs write.
func (s *Store) Logs() string { return filepath.Join(s.Dir, logsDir) }

func runFile(number int) string { return filepath.Join(runsDir, fmt.Sprintf("%04d.json", number)) }

// Put stores a run. After a crash at any moment it is stored whole or not at all.
func (s *Store) Put(r *Record) error { return s.write(runFile(r.Run.Number), r) }

// Failure is an attempt at a run that came to nothing.
type Failure struct {
	Run   Run       `json:"run"`
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// PutFailure stores a failed attempt, so that the report can tell of it.
func (s *Store) PutFailure(f Failure) error {
	for attempt := 1; ; attempt++ {
		name := filepath.Join(runsDir, fmt.Sprintf("%04d.failed-%d.json", f.Run.Number, attempt))
		if _, err := os.Stat(filepath.Join(s.Dir, name)); errors.Is(err, fs.ErrNotExist) {
			return s.write(name, f)
		}
	}
}

// Records returns the stored runs in the order of their numbers.
func (s *Store) Records() ([]*Record, error) {
	return readAll[Record](s, "[0-9][0-9][0-9][0-9].json")
}

// Failures returns the failed attempts.
func (s *Store) Failures() ([]*Failure, error) {
	return readAll[Failure](s, "[0-9][0-9][0-9][0-9].failed-*.json")
}

func readAll[T any](s *Store, pattern string) ([]*T, error) {
	names, err := filepath.Glob(filepath.Join(s.Dir, runsDir, pattern))
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	slices.Sort(names)
	list := make([]*T, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read run: %w", err)
		}
		item := new(T)
		if err := json.Unmarshal(text, item); err != nil {
			return nil, fmt.Errorf("read run %s: %w", name, err)
		}
		list = append(list, item)
	}
	return list, nil
}

// write writes a value as JSON, atomically.
func (s *Store) write(name string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return undo.WriteFile(filepath.Join(s.Dir, name), append(text, '\n'))
}
