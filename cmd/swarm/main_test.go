package main

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"tickgate/internal/prefork"
)

// TestMain lets the tests' own binary be the client processes, as the swarm's is.
func TestMain(m *testing.M) {
	if prefork.IsChild() {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}
