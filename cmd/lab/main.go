// Command lab runs experiments: it starts the gateway and the swarm again and again in two or more variants, and says whether they differ.
//
// It ends with status 0 if it did what it was asked for, whatever the verdict; with 1 if it could not; with 2 if the flags or the experiment are wrong;
// with 3 if this machine or this build does not allow the experiment; and with 130 if it was interrupted. `lab help` explains the experiments' files.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), program{args: os.Args[1:], self: []string{"/proc/self/exe"}, stdout: os.Stdout, stderr: os.Stderr}))
}
