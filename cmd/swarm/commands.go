package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// command is something the program does instead of opening clients, chosen by the first argument: `swarm plan …`.
type command struct {
	name string
	help string                                            // a line for `swarm --help`
	run  func(args []string, stdout, stderr io.Writer) int // args without the name; returns the exit code
}

// commands returns all of them, in the order of the help.
func commands() []command {
	return []command{
		{"plan", "predict from a run's --json report what more connections need", runPlan},
		{compareName, "hold two runs' --json reports against each other", runCompare},
		{versionName, "print the version, as --version does", runVersion},
	}
}

const versionName = "version"

// runVersion is `swarm version`.
func runVersion(args []string, stdout, stderr io.Writer) int {
	if ok, code := parseCommand(versionName, "Prints the version.", new(struct{}), args, stdout, stderr); !ok {
		return code
	}
	fmt.Fprintln(stdout, "swarm", version)
	return exitOK
}

// commandOf returns the command that args name, or nil if they ask for clients. No target has a command's name: targets are URLs.
func commandOf(args []string) *command {
	if len(args) == 0 {
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return &c
		}
	}
	return nil
}

// aboutCommands is the part of the help that lists the commands.
func aboutCommands() (text string) {
	text = "\n\nSub-commands, each with a --help of its own:\n"
	for _, c := range commands() {
		text += fmt.Sprintf("\n  swarm %-8s %s", c.name, c.help)
	}
	return text
}

// parseCommand reads a sub-command's arguments into its grammar. Unless ok, the program is done, with the exit code.
func parseCommand(name, help string, grammar any, args []string, stdout, stderr io.Writer) (ok bool, code int) {
	done := false
	parser, err := kong.New(grammar,
		kong.Name("swarm "+name), kong.Description(help), kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}), kong.Exit(func(int) { done = true }))
	if err != nil {
		panic("BUG: grammar of swarm " + name + ": " + err.Error())
	}
	_, err = parser.Parse(args)
	switch {
	case done:
		return false, exitOK
	case err != nil:
		return false, misused(stderr, name, err)
	}
	return true, exitOK
}

// misused tells what is wrong with a sub-command's arguments or files, and returns the exit code for that.
func misused(stderr io.Writer, name string, err error) int {
	fmt.Fprintf(stderr, "swarm %s: %v\nRun 'swarm %[1]s --help' for all flags.\n", name, err)
	return exitUsage
}
