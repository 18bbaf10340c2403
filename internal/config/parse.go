package config

import (
	"errors"
	"io"
	"reflect"
	"time"

	"github.com/alecthomas/kong"
)

// Exit codes that Parse returns.
const (
	ExitOK    = 0 // help was printed
	ExitUsage = 2 // the settings are wrong; every problem is on standard error
)

const program = "gateway"

// Command is a sub-command of the gateway. Its flags come after those of Config, which every
// command has.
type Command struct {
	Name string
	Help string // one sentence
	// Flags is a pointer to a struct with kong tags that Parse fills, or nil.
	Flags any
}

// Commands are the sub-commands beside serving, which needs none.
type Commands []Command

// Parse reads settings for a gateway without sub-commands. See Commands.Parse.
func Parse(args []string, stdout, stderr io.Writer, environ []string) (*Config, int) {
	return Commands(nil).Parse(args, stdout, stderr, environ)
}

// Parse reads args (without the program's name), environ (as from os.Environ) and the YAML file
// they may name. A flag beats the environment, which beats the file, which beats the default.
//
// A nil Config means that the process is done: the code is ExitOK after --help, or ExitUsage after
// all problems were written to stderr at once.
func (c Commands) Parse(args []string, stdout, stderr io.Writer, environ []string) (*Config, int) {
	p := &parser{sources: newSources(environ)}
	if err := p.build(c, stdout, stderr); err != nil {
		panic("BUG: settings' grammar: " + err.Error())
	}
	command, err := p.parse(args)
	if p.helped {
		return nil, ExitOK
	}
	if err != nil {
		problemsOf(err).Report(stderr, "")
		return nil, ExitUsage
	}
	cfg := &p.root.Config
	cfg.Command = command
	if cfg.Topics.Default == "" {
		cfg.Topics.Default = cfg.Feed.DefaultTopic()
	}
	cfg.Warnings = append(cfg.warnings(), p.sources.suspects(p.flagNames())...)
	return cfg, ExitOK
}

// root is kong's grammar. With Run it needs no sub-command.
type root struct {
	Config `embed:""`
}

// Run marks the root as a command of its own for kong; nothing calls it.
func (*root) Run() error { return nil }

// parser is one run of Parse.
type parser struct {
	root    root
	kong    *kong.Kong
	sources *sources
	helped  bool
	// problems are those that kong must not stop at, so that all come out at once.
	problems Problems
}

// build makes kong's model out of Config and the sub-commands.
func (p *parser) build(commands Commands, stdout, stderr io.Writer) error {
	options := []kong.Option{
		kong.Name(program),
		kong.ExplicitGroups(groups),
		kong.Help(printHelp),
		kong.ValueFormatter(formatHelp),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, FlagsLast: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { p.helped = true }),
		kong.Resolvers(p.sources),
	}
	for _, c := range commands {
		if c.Flags == nil {
			c.Flags = &struct{}{}
		}
		options = append(options, kong.DynamicCommand(c.Name, c.Help, "", c.Flags))
	}
	var err error
	p.kong, err = kong.New(&p.root, append(options, p.mappers()...)...)
	return err
}

// parse returns the sub-command, or Problems.
func (p *parser) parse(args []string) (command string, err error) {
	ctx, err := p.kong.Parse(p.known(args))
	p.problems = append(p.problems, p.sources.problems...)
	var outOfRange Problems
	switch {
	case err != nil: // what kong stopped at leaves the fields unset
		p.problems.add("command line", "", err.Error())
	case errors.As(p.root.Check(), &outOfRange):
		p.problems = append(p.problems, outOfRange...)
	}
	if len(p.problems) > 0 {
		return "", p.sources.locate(p.problems)
	}
	if selected := ctx.Selected(); selected != nil {
		command = selected.Name
	}
	return command, nil
}

// mappers are kong options that read every type of setting through parser.decode.
func (p *parser) mappers() []kong.Option {
	decode := kong.MapperFunc(p.decode)
	options := []kong.Option{kong.KindMapper(reflect.Bool, boolMapper{decode})}
	for _, kind := range []reflect.Kind{reflect.String, reflect.Int, reflect.Int64} {
		options = append(options, kong.KindMapper(kind, decode))
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[time.Duration](),
		reflect.TypeFor[Size](),
		reflect.TypeFor[Workers](),
		reflect.TypeFor[Admin](),
		reflect.TypeFor[Sync](),
		reflect.TypeFor[Source](),
		reflect.TypeFor[Policy](),
		reflect.TypeFor[LogFormat](),
		reflect.TypeFor[URLs](),
		reflect.TypeFor[Rules](),
		reflect.TypeFor[List](),
		reflect.TypeFor[KeySources](),
		reflect.TypeFor[Origins](),
		reflect.TypeFor[Rate](),
		reflect.TypeFor[ByteRate](),
		reflect.TypeFor[Networks](),
		reflect.TypeFor[ForwardedHeader](),
		levelType,
	} {
		options = append(options, kong.TypeMapper(typ, decode))
	}
	return options
}

func problemsOf(err error) (problems Problems) {
	if !errors.As(err, &problems) {
		problems = Problems{{Setting: "command line", Message: err.Error()}}
	}
	return problems
}
