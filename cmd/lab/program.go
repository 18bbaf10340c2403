package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"tickgate/internal/buildinfo"
	"tickgate/internal/lab"
	"tickgate/internal/lab/bench"
	"tickgate/internal/lab/sysctl"
	"tickgate/internal/lab/undo"
)

// linked is set by the Makefile from git.
var linked string

// version is what --version prints.
var version = buildinfo.Version(linked)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitSkipped     = 3
	exitInterrupted = 130 // as a shell reports SIGINT
)

// program is what a run gets from its surroundings.
type program struct {
	args           []string
	self           []string // how to start this program again; the arguments follow
	stdout, stderr io.Writer
	tree           sysctl.Tree // where sysctls are; tests have one of their own
}

// The first arguments with which lab starts itself.
const (
	roleGuardian = "guardian"
	roleExec     = "exec"
)

// run is the whole program; it returns the exit code.
func run(ctx context.Context, p program) int {
	if len(p.args) > 0 {
		switch p.args[0] {
		case roleGuardian:
			return undo.Guard(p.stderr)
		case roleExec:
			fmt.Fprintln(p.stderr, "lab exec:", bench.Exec(p.args[1:]))
			return exitFailed
		}
	}
	if slices.Equal(p.args, []string{"--version"}) {
		p.args = []string{"version"}
	}
	cli, code := p.parse()
	if cli == nil {
		return code
	}
	ctx, release := interruptible(ctx)
	defer release()
	return p.exit(p.execute(ctx, cli))
}

func (p program) execute(ctx context.Context, cli *cli) error {
	switch cli.command {
	case "list":
		return p.list(cli.List.Dir)
	case "show":
		return p.show(cli.Show.Name)
	case "table":
		return p.table(cli.Table.Outputs)
	case "keep":
		return p.keep(&cli.Keep)
	case "help":
		return p.help()
	case "version":
		_, err := fmt.Fprintln(p.stdout, "lab", version)
		return err
	}
	return p.experiment(ctx, &cli.Run)
}

// exit tells the user why lab ends.
func (p program) exit(err error) int {
	input, skip := new(lab.InputError), new(lab.SkipError)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &input):
		fmt.Fprintln(p.stderr, "lab:", err)
		return exitUsage
	case errors.As(err, &skip):
		fmt.Fprintln(p.stderr, "lab: skipped:", err)
		return exitSkipped
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(p.stderr, "lab:", err)
		return exitInterrupted
	}
	fmt.Fprintln(p.stderr, "lab:", err)
	return exitFailed
}

var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first signal ends. The second one finds lab's signal handling gone and ends lab at once; then its guardian
// restores what is to be restored.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case sig := <-signals:
			cancel(fmt.Errorf("%w by %v", errInterrupted, sig))
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}
