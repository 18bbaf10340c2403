package main

import (
	"os"
	"runtime/debug"
)

// collectorPercent is the gateway's own GOGC. The heap that a cycle marks is small and hardly grows with the connections (their slabs have no
// pointers), so that twice as many cycles cost about 1 % of the processor time at 100,000 connections; the garbage that waits for them, of scrapes for
// the most part, is two fifths of what a connection takes with the runtime's 100 (docs/measurements.md).
const collectorPercent = 50

// tuneCollector sets the collector's pace unless the environment has its own word.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}
