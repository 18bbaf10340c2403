package main

import (
	"fmt"

	"tickgate/internal/lab"
)

// help is `lab help`.
func (p program) help() error {
	_, err := fmt.Fprintf(p.stdout, "%s\n\nAll commands and flags: lab --help, lab run --help\n\n%s", about, lab.Reference)
	return err
}
