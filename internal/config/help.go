package config

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

const synopsis = `gateway pushes messages to 100,000 WebSocket and SSE clients on one machine.

Usage: gateway [flags]              serve until SIGTERM or SIGINT, then drain
`

const synopsisCommands = `       gateway <command> [flags]
`

const description = `
Examples:
  gateway                                      a simulated price tick every second
  gateway --feed replay:data/sp500-2000.csv    S&P 500 daily closes, a row per tick
  gateway --feed none --data /var/lib/tickgate messages published by others, kept over restarts
  gateway --nats nats://a:4222,nats://b:4222   one of several gateways on a cluster
  gateway --config /etc/tickgate.yaml          settings from a file

  curl -N http://127.0.0.1:8080/sse            watch it

Every flag is also an environment variable (--feed-interval is TICKGATE_FEED_INTERVAL) and a
key of the YAML file (feed-interval: 1s). The flag beats the variable, which beats the file.
SIZE is bytes as 4096, 64KiB or 1MB. DURATION is 500ms, 10s or 2m.`

// groups are the headings of the help, in order.
var groups = []kong.Group{
	{Key: "server", Title: "Server:"},
	{Key: "feed", Title: "Feed:"},
	{Key: "topics", Title: "Topics and slow clients:"},
	{Key: "bus", Title: "Bus:"},
	{Key: "access", Title: "Who may subscribe:"},
	{Key: "clients", Title: "Limits per client:"},
	{Key: "addresses", Title: "Limits per address, and proxies:"},
	{Key: "sockets", Title: "Sockets and event loops:"},
	{Key: "trace", Title: "Explaining late ticks:"},
	{Key: "log", Title: "Log:"},
}

// printHelp is kong's printer with our own usage line, since no command is needed. The help of a
// sub-command leaves out the gateway's flags, although it takes them.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		return printProgramHelp(options, ctx)
	}
	for _, flag := range ctx.Model.Flags {
		flag.Hidden = flag.Name != "help" && flag.Name != "config"
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nIt also takes the flags of '%s --help'.\n", program)
	return err
}

func printProgramHelp(options kong.HelpOptions, ctx *kong.Context) error {
	text := synopsis
	if len(ctx.Model.Children) > 0 {
		text += synopsisCommands
	}
	if _, err := fmt.Fprintln(ctx.Stdout, text+description); err != nil {
		return err
	}
	options.NoAppSummary = true
	return kong.DefaultHelpPrinter(options, ctx)
}

// formatHelp adds the default to a flag's help.
func formatHelp(v *kong.Value) string {
	if !v.HasDefault || v.IsBool() {
		return v.Help
	}
	return fmt.Sprintf("%s (default %s)", strings.TrimSuffix(v.Help, "."), v.Default)
}
