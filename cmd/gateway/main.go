// Command gateway pushes messages to very many WebSocket and SSE clients.
//
// Without a sub-command it serves: it opens the bus, runs the event loops (in this process, or in worker processes where
// the descriptor limit demands it), publishes the feed's ticks and answers on the private listener, until a signal
// makes it send its clients away and end.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), program{
		args: os.Args[1:], environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}
