package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/undo"
)

// Config is what a bench needs.
type Config struct {
	Gateway string // path of the program
	Swarm   string // path of the program
	// Shim is the command that ends up in Exec, to which its arguments are appended.
	Shim []string
	// Settings changes sysctls of the machine and changes them back.
	Settings Settings
}

// Settings is what Bench needs of an undo.Keeper.
type Settings interface {
	Apply([]undo.Setting) error
	Restore() error
}

// Bench makes runs. It is for one goroutine.
type Bench struct {
	cfg     Config
	spawner *spawner
	built   map[string]time.Time // when each program was, which must not change from run to run
}

// New returns a bench, which has to be closed.
func New(cfg Config) (*Bench, error) {
	b := &Bench{cfg: cfg, built: map[string]time.Time{}}
	for _, path := range []string{cfg.Gateway, cfg.Swarm} {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("program under test: %w", err)
		}
		b.built[path] = info.ModTime()
	}
	b.spawner = newSpawner()
	return b, nil
}

// checkPrograms makes sure that all runs are of the same programs.
func (b *Bench) checkPrograms() error {
	for path, built := range b.built {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("program under test: %w", err)
		}
		if !info.ModTime().Equal(built) {
			return fmt.Errorf("%s was built anew while the experiment was under way; run it with copies, --gateway and --swarm", path)
		}
	}
	return nil
}

// Close ends the bench; no run may be under way.
func (b *Bench) Close() { b.spawner.close() }

// Run makes one run of a variant and returns its record, all but the number of the run and its times. Whatever happens, no process of it is left
// and the sysctls are as they were when it returns; if only that fails there are both a record and an error.
func (b *Bench) Run(ctx context.Context, job lab.Job) (record *lab.Record, err error) {
	if err := b.checkPrograms(); err != nil {
		return nil, err
	}
	t := &trial{bench: b, job: job, setup: job.Experiment.Setup(job.Run.Variant), record: &lab.Record{}}
	ctx, cancel := context.WithTimeout(ctx, t.patience())
	defer cancel()
	if t.network, err = openNetwork(job.Experiment); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.network.close()) }()
	if err := t.applySysctls(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.cfg.Settings.Restore()) }()
	defer t.stop()
	if err := t.conduct(ctx); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("not done within %s (design.timeout is %s besides warm-up and window): %w", t.patience(), job.Experiment.Design.Timeout, err)
		}
		return nil, err
	}
	return t.record, nil
}

// patience is how long a run may take.
func (t *trial) patience() time.Duration {
	return time.Duration(t.job.Experiment.Design.Timeout) + t.measuring()
}

// measuring is how long warm-up and window take together, at most.
func (t *trial) measuring() time.Duration {
	window := t.job.Experiment.Design.Measure
	if cut := t.job.Experiment.Cut; cut != nil {
		window = cut.Limit
	}
	return time.Duration(t.job.Experiment.Design.Warmup + window)
}

// holdTime is how long the swarm stays connected if nobody interrupts it, which happens at the end of the window.
func (t *trial) holdTime() time.Duration { return t.measuring() + holdMargin }

// holdMargin is time for us to notice the beginning of the window and its end.
const holdMargin = 15 * time.Second

// trial is one run.
type trial struct {
	bench  *Bench
	job    lab.Job
	setup  lab.Setup
	record *lab.Record

	network        *network
	gateway, swarm *process
	admin          *adminPage
}

// log returns the path of the file that gets what a program writes.
func (t *trial) log(program string) string {
	return filepath.Join(t.job.Logs, fmt.Sprintf("%04d-%s.log", t.job.Run.Number, program))
}

// stop ends what still runs, the clients first.
func (t *trial) stop() {
	t.swarm.stop()
	t.gateway.stop()
	if t.admin != nil {
		t.admin.close()
	}
}
