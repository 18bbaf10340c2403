package main

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tickgate/internal/load/report"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitForced = 130 // as a shell reports SIGINT
)

const about = `Opens very many WebSocket and SSE clients against any server, checks what each of them receives,
and reports loss, latency and what it cost.

  swarm --conns 100000 --ticks 60 --admin http://127.0.0.1:9090 http://127.0.0.1:8080
  swarm --conns 5000 --send '{"op":"subscribe"}' --seq-field data.seq ws://10.0.0.7:9000/feed`

// problems gathers what is wrong with the command line, so that all of it is told at once.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// addError adds an error, or each of several that were joined.
func (p *problems) addError(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.addError(e)
		}
		return
	}
	if err != nil {
		p.add("%v", err)
	}
}

// parse reads the command line. Nil options mean that the program is done, with the exit code returned.
func parse(args []string, stdout, stderr io.Writer) (*options, int) {
	var (
		f    flags
		p    problems
		done bool
	)
	parser, err := kong.New(&f, append(mappers(&p),
		kong.Name("swarm"), kong.Description(about+aboutCommands()), kong.Writers(stdout, stderr), kong.ExplicitGroups(groups),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}), kong.Exit(func(int) { done = true }),
		kong.Vars{"asserts": strings.Join(report.MetricNames(), ", ")})...)
	if err != nil {
		panic("BUG: command line's grammar: " + err.Error())
	}
	_, err = parser.Parse(known(parser, args, &p))
	switch {
	case done:
		return nil, exitOK
	case f.Version:
		fmt.Fprintln(stdout, "swarm", version)
		return nil, exitOK
	case err != nil:
		p.add("%v", err)
	}
	o := f.options(&p)
	if len(p) > 0 {
		tell(stderr, p)
		return nil, exitUsage
	}
	o.command = append([]string{"swarm"}, args...)
	return o, exitOK
}

func tell(stderr io.Writer, p problems) {
	fmt.Fprintf(stderr, "swarm: %d problem(s) with the command line:\n", len(p))
	for _, problem := range p {
		fmt.Fprintf(stderr, "  %s\n", problem)
	}
	fmt.Fprintln(stderr, "Run 'swarm --help' for all flags.")
}

// mappers make kong read numbers and durations without stopping at the first that is none.
func mappers(p *problems) []kong.Option {
	options := []kong.Option{kong.TypeMapper(reflect.TypeFor[time.Duration](), lenient{p, kong.MapperFunc(decodeDuration), "a duration; write 90s, 1m or 500ms"})}
	registry := kong.NewRegistry().RegisterDefaults()
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int64, reflect.Float64} {
		mapper := registry.ForType(map[reflect.Kind]reflect.Type{
			reflect.Int: reflect.TypeFor[int](), reflect.Int64: reflect.TypeFor[int64](), reflect.Float64: reflect.TypeFor[float64](),
		}[kind])
		options = append(options, kong.KindMapper(kind, lenient{p, mapper, "a number"}))
	}
	return options
}

// lenient notes what its mapper refuses and goes on.
type lenient struct {
	problems *problems
	kong.Mapper
	want string
}

// Decode implements kong.Mapper.
func (l lenient) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	value := ctx.Scan.Peek()
	if err := l.Mapper.Decode(ctx, target); err != nil {
		l.problems.add("--%s: %v is not %s", ctx.Value.Name, value.Value, l.want)
	}
	return nil
}

func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("negative")
	}
	target.SetInt(int64(d))
	return err
}

// known returns args without the flags that do not exist, which become problems. Kong would stop at the first.
func known(parser *kong.Kong, args []string, p *problems) (kept []string) {
	names := []string{"help", "no-reconnect"}
	for _, flag := range parser.Model.Flags {
		names = append(names, flag.Name)
	}
	for i, arg := range args {
		if arg == "--" {
			return append(kept, args[i:]...)
		}
		name, isFlag := strings.CutPrefix(arg, "-")
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if isFlag && name != "h" && name != "" && !slices.Contains(names, name) && !isValue(parser, args, i) {
			p.add("%s: no such flag", arg)
			continue
		}
		kept = append(kept, arg)
	}
	return kept
}

// isValue reports whether args[i] is the value of the flag before it, such as a negative number.
func isValue(parser *kong.Kong, args []string, i int) bool {
	if i == 0 {
		return false
	}
	name, isFlag := strings.CutPrefix(args[i-1], "--")
	return isFlag && slices.ContainsFunc(parser.Model.Flags, func(f *kong.Flag) bool { return f.Name == name && !f.IsBool() })
}
