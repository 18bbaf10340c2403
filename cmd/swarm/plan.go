package main

import (
	"errors"
	"io"
)

// planFlags is the command line of `swarm plan`.
type planFlags struct {
	Report  string   `arg:"" name:"REPORT.json" help:"A run's --json report, with a ramp of 10,000 connections or more."`
	Conns   []string `placeholder:"N" help:"How many connections to plan for; may be repeated. Default 100000 and 1000000."`
	Against string   `placeholder:"FILE" help:"A report of a larger run, to be compared with what is predicted for it."`
	JSON    bool     `name:"json" help:"Write the plan as JSON."`
}

const aboutPlan = `Predicts from a run's report what more connections need: memory of processes and kernel, processors, descriptors.`

// runPlan is `swarm plan`.
func runPlan(args []string, stdout, stderr io.Writer) int {
	var f planFlags
	if ok, code := parseCommand("plan", aboutPlan, &f, args, stdout, stderr); !ok {
		return code
	}
	return misused(stderr, "plan", errors.New("this build only knows the flags"))
}
