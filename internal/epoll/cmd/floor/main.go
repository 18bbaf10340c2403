// Command floor runs the bare epoll server of package floor, for the swarm to be pointed at: what it costs is the floor
// that the gateway is compared with.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll/floor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is done. The first line of stdout is the bound address, the last one what was done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "IPv4 `address` to listen on")
	interval := flags.Duration("interval", time.Second, "time between two ticks")
	payload := flags.Int("payload-bytes", 0, "pad a tick's JSON to this many `bytes`")
	if flags.Parse(args) != nil {
		return 2
	}
	addr, err := netip.ParseAddrPort(*listen)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "floor:", err)
		return 2
	}
	s, err := floor.New(floor.Config{Listen: addr, Interval: *interval, Payload: *payload})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	_, _ = fmt.Fprintln(stdout, s.Addr)
	stats, err := s.Run(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "accepted %d, delivered %d, dropped %d\n", stats.Accepted, stats.Delivered, stats.Dropped)
	return 0
}
