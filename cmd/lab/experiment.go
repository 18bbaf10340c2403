package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/bench"
	"tickgate/internal/lab/report"
	"tickgate/internal/lab/undo"
)

// experiment is `lab run`.
func (p program) experiment(ctx context.Context, f *runFlags) error {
	exp, err := f.load()
	if err != nil {
		return err
	}
	cfg := bench.Config{Gateway: beside("gateway", f.Gateway), Swarm: beside("swarm", f.Swarm), Shim: append(p.self[:len(p.self):len(p.self)], roleExec)}
	obstacle := bench.Check(cfg, exp, p.tree)
	if f.DryRun {
		return p.dryRun(exp, cfg, obstacle)
	}
	if obstacle != nil {
		return obstacle
	}
	keeper, err := undo.Open(undo.Config{Dir: f.state(), Tree: p.tree, Guardian: p.guardian, Log: p.logf})
	if err != nil {
		return err
	}
	cfg.Settings = keeper
	return errors.Join(p.runOn(ctx, f, exp, cfg), keeper.Close())
}

// runOn makes the runs and the report; sysctls are guarded already.
func (p program) runOn(ctx context.Context, f *runFlags, exp *lab.Experiment, cfg bench.Config) (err error) {
	env, err := lab.ReadEnvironment(exp, p.tree, cfg.Gateway, cfg.Swarm)
	if err != nil {
		return err
	}
	store, err := f.open(exp, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	b, err := bench.New(cfg)
	if err != nil {
		return err
	}
	defer b.Close()

	p.announce(exp, store)
	session := lab.Session{Experiment: exp, Store: store, Bench: b, Progress: p.progress}
	if err := session.Run(ctx); err != nil {
		return fmt.Errorf("%w\nwhat was measured is kept; go on with: lab run --resume %s", err, store.Dir)
	}
	r, err := report.New(exp, store)
	if err != nil {
		return err
	}
	if err := r.Write(store.Dir); err != nil {
		return err
	}
	if err := r.WriteText(p.stdout); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "\n%s\n", filepath.Join(store.Dir, report.HTMLFile))
	return err
}

// load returns the experiment as it is to be run.
func (f *runFlags) load() (*lab.Experiment, error) {
	if f.Resume != "" {
		store, err := lab.Open(f.Resume)
		if err != nil {
			return nil, err
		}
		exp, err := store.Experiment()
		return exp, errors.Join(err, store.Close())
	}
	exp, err := lab.Load(experimentFile(f.Experiment))
	if err == nil && f.Quick {
		exp, err = exp.InQuick()
	}
	if err == nil && f.Repeats > 0 {
		exp.Design.Repeats = f.Repeats
	}
	return exp, err
}

// experimentFile takes a bare name for one of the experiments that come with lab.
func experimentFile(name string) string {
	if strings.ContainsAny(name, "/.") {
		return name
	}
	return filepath.Join("experiments", name+".yaml")
}

// open returns the output directory, a new one or the one to be resumed.
func (f *runFlags) open(exp *lab.Experiment, env lab.Environment) (*lab.Store, error) {
	if f.Resume != "" {
		store, err := lab.Open(f.Resume)
		if err != nil {
			return nil, err
		}
		var source []byte
		if f.Experiment != "" {
			now, err := lab.Load(experimentFile(f.Experiment))
			if err != nil {
				return nil, errors.Join(err, store.Close())
			}
			source = now.Source
		}
		if err := store.Continue(env, source); err != nil {
			return nil, errors.Join(err, store.Close())
		}
		return store, nil
	}
	dir := f.Out
	if dir == "" {
		dir = filepath.Join("out", "lab", exp.Name+"-"+time.Now().Format("20060102-150405"))
	}
	return lab.Create(dir, lab.Manifest{
		Name: exp.Name, Created: time.Now(), Seed: f.seed(), Repeats: exp.Design.Repeats, Quick: f.Quick, Source: string(exp.Source), Environment: env,
	})
}

// seed returns the given seed, or draws one. It stays below 2^32, so that it can be typed.
func (f *runFlags) seed() uint64 {
	if f.Seed != nil {
		return *f.Seed
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, as of Go 1.24
	return uint64(binary.NativeEndian.Uint32(b[:]))
}

// state returns the directory of the undo file: one per machine for those who can change sysctls.
func (f *runFlags) state() string {
	switch {
	case f.State != "":
		return f.State
	case os.Geteuid() == 0:
		return "/run/tickgate-lab"
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("tickgate-lab-%d", os.Geteuid()))
}

// beside returns the path of a program that was built together with lab, unless another is given.
func beside(name, given string) string {
	if given != "" {
		return given
	}
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return filepath.Join("bin", name)
}

// guardian returns the command of a guardian process.
func (p program) guardian() *exec.Cmd {
	cmd := exec.Command(p.self[0], append(p.self[1:len(p.self):len(p.self)], roleGuardian)...)
	cmd.Args[0] = "lab" // for ps; what is started is the very file that runs, even if it was built anew
	cmd.Stderr = os.Stderr
	return cmd
}

func (p program) logf(format string, args ...any) {
	fmt.Fprintf(p.stderr, "lab: "+format+"\n", args...)
}
