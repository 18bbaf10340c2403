package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// known returns args without what the grammar does not know, each noted as a problem with the
// nearest known name. Kong would stop at the first.
func (p *parser) known(args []string) []string {
	flags := p.flags()
	commands := p.commandNames()
	kept := make([]string, 0, len(args))
	inCommand := false
	for len(args) > 0 {
		arg := args[0]
		name, isFlag := strings.CutPrefix(arg, "--")
		name, _, hasValue := strings.Cut(name, "=")
		flag := flags[name]
		n := 1
		if isFlag && !hasValue && len(args) > 1 && (!strings.HasPrefix(args[1], "-") || negative(args[1])) &&
			(flag == nil && !slices.Contains(commands, args[1]) || flag != nil && !flag.IsBool()) {
			n = 2 // the value is an argument of its own
		}
		switch {
		case n == 2 && flag != nil && negative(args[1]):
			kept = append(kept, arg+"="+args[1]) // kong would take it for a flag
		case arg == "--":
			return append(kept, args...)
		case isFlag && flag == nil:
			p.unknownFlag(arg, name)
		case arg == "-h", isFlag, inCommand:
			kept = append(kept, args[:n]...)
		case strings.HasPrefix(arg, "-") && arg != "-":
			p.unknownFlag(arg, strings.TrimLeft(arg, "-"))
		case slices.Contains(commands, arg):
			inCommand = true
			kept = append(kept, arg)
		default:
			p.unknownArgument(arg, commands)
		}
		args = args[n:]
	}
	return kept
}

// negative tells whether an argument is a number below zero, or a size or duration, and not a flag.
func negative(arg string) bool {
	return len(arg) > 1 && arg[0] == '-' && (arg[1] >= '0' && arg[1] <= '9' || arg[1] == '.')
}

func (p *parser) unknownFlag(arg, name string) {
	setting, value, _ := strings.Cut(arg, "=")
	if name, _, _ = strings.Cut(name, "="); slices.Contains(p.flagNames(), name) {
		p.problems.add(setting, value, fmt.Sprintf("flags have two dashes; write --%s", name))
		return
	}
	message := "no such flag"
	if best, distance := nearest(name, p.flagNames()); distance <= max(2, len(name)/3) {
		message = fmt.Sprintf("no such flag; did you mean --%s?", best)
	}
	p.problems.add(setting, redact(value), message)
}

func (p *parser) unknownArgument(arg string, commands []string) {
	message := "unexpected argument; the gateway takes flags only"
	if len(commands) > 0 {
		message = "no such command; there are " + strings.Join(commands, ", ")
	}
	p.problems.add(arg, "", message)
}

// flags are all flags by name, those of sub-commands included.
func (p *parser) flags() map[string]*kong.Flag {
	flags := map[string]*kong.Flag{}
	for _, node := range append([]*kong.Node{p.kong.Model.Node}, p.kong.Model.Children...) {
		for _, flag := range node.Flags {
			flags[flag.Name] = flag
		}
	}
	return flags
}

// flagNames are the gateway's own flags, in the order of the help.
func (p *parser) flagNames() []string {
	names := make([]string, len(p.kong.Model.Flags))
	for i, flag := range p.kong.Model.Flags {
		names[i] = flag.Name
	}
	return names
}

func (p *parser) commandNames() []string {
	names := make([]string, len(p.kong.Model.Children))
	for i, node := range p.kong.Model.Children {
		names[i] = node.Name
	}
	return names
}
