// Command swarm opens very many WebSocket and SSE clients against any server, checks what each of them receives, and
// reports loss, latency and what it cost.
//
// It ends with status 0 if it could open what it planned and every --assert is met, with 1 if not, and with 2 if the
// flags are wrong. SIGINT stops early and reports; a second one ends at once.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }
