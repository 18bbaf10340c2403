package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is the command line as kong sees it.
type cli struct {
	command string `kong:"-"`

	Run     runFlags  `cmd:"" help:"Run an experiment and say what differs."`
	List    listFlags `cmd:"" help:"List the experiments with their questions."`
	Show    showFlags `cmd:"" help:"Show an experiment: what is asked, expected, compared and found."`
	Table   doneFlags `cmd:"" help:"Print the medians of finished experiments as Markdown tables."`
	Keep    keepFlags `cmd:"" help:"Write the results of finished experiments into their files, as what was measured."`
	Help    struct{}  `cmd:"" help:"Explain the experiments' files and the statistics."`
	Version struct{}  `cmd:"" help:"Print the version, as --version does."`
}

type runFlags struct {
	Experiment string `arg:"" optional:"" name:"EXPERIMENT" help:"File such as experiments/aa.yaml, or just aa. Not needed with --resume."`

	DryRun  bool    `help:"Say what would be done, and what this machine does not allow, without doing it."`
	Resume  string  `placeholder:"DIR" help:"Make the runs that are missing in this output directory."`
	Out     string  `placeholder:"DIR" help:"Output directory (default out/lab/NAME-TIME)."`
	Repeats int     `placeholder:"N" help:"Blocks, instead of the experiment's own number."`
	Seed    *uint64 `placeholder:"S" help:"Seed of the order of runs (default drawn, and reported)."`
	Quick   bool    `help:"The small version: shows whether the experiment works, rarely what comes out of it."`

	Gateway string `placeholder:"FILE" help:"Gateway under test (default beside lab, or bin/gateway)."`
	Swarm   string `placeholder:"FILE" help:"Swarm to test it with (default beside lab, or bin/swarm)."`
	State   string `placeholder:"DIR" help:"Directory of the undo file and of the lock that keeps two labs apart (default /run/tickgate-lab for root)."`
}

type listFlags struct {
	Dir string `arg:"" optional:"" default:"experiments" help:"Directory with the experiments."`
}

type showFlags struct {
	Name string `arg:"" help:"Experiment, as a name or a file."`
}

// doneFlags are of commands for experiments that were run.
type doneFlags struct {
	Outputs []string `arg:"" name:"DIR" help:"Output directories of lab run."`
}

type keepFlags struct {
	doneFlags
	Experiments string `default:"experiments" placeholder:"DIR" help:"Where the experiments' files are (default experiments)."`
}

const about = `Runs experiments with the gateway: variants that differ in one thing, cold, in an order drawn by lot, repeated; and statistics that may well say "no measurable effect".

  lab run experiments/aa.yaml      the same twice: lab must find no difference
  lab run notsent-lowat --quick    a short version, to see whether it works
  lab run io-models --dry-run      what would be done
  lab run --resume out/lab/aa-…    go on after an interruption
  lab keep out/lab/aa-…            write what was found into experiments/aa.yaml

Every sysctl is restored whatever happens, kill -9 included.`

// parse reads the command line. A nil cli means that the program is done, with the exit code returned.
func (p program) parse() (*cli, int) {
	var (
		c    cli
		done bool
	)
	parser, err := kong.New(&c, kong.Name("lab"), kong.Description(about), kong.Writers(p.stdout, p.stderr), kong.Exit(func(int) { done = true }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, Compact: true}))
	if err != nil {
		panic("BUG: command line's grammar: " + err.Error())
	}
	parsed, err := parser.Parse(p.args)
	if done {
		return nil, exitOK
	}
	if err == nil {
		c.command, _, _ = strings.Cut(parsed.Command(), " ")
		err = c.Run.check(c.command)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "lab: %v\nRun 'lab --help' for all commands and flags.\n", err)
		return nil, exitUsage
	}
	return &c, exitOK
}

// check finds flags that do not go together.
func (f *runFlags) check(command string) error {
	switch {
	case command != "run":
		return nil
	case f.Experiment == "" && f.Resume == "":
		return errors.New("run: which experiment? `lab list` names them")
	case f.Repeats < 0 || f.Repeats > 200:
		return fmt.Errorf("--repeats: got %d, want 1 to 200", f.Repeats)
	case f.Resume != "" && (f.Repeats != 0 || f.Seed != nil || f.Quick || f.Out != ""):
		// Adding runs to an experiment until its result pleases finds differences that are not there.
		return errors.New("--resume goes on as planned, without --repeats, --seed, --quick or --out: the number of runs must not depend on their results; begin a new experiment for more")
	}
	return nil
}
