package config

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

const envPrefix = "TICKGATE_"

// EnvName is the environment variable of a flag, given without its dashes: TICKGATE_FEED_INTERVAL
// for feed-interval.
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// sources resolves flags that are not on the command line from the environment, then from the
// YAML file. It implements kong.Resolver.
type sources struct {
	env      map[string]string
	path     string         // of the YAML file
	file     kong.Resolver  // nil until the file was read
	lines    map[string]int // line of each key in the file
	from     map[string]string
	problems Problems
	loaded   bool
}

func newSources(environ []string) *sources {
	s := &sources{env: map[string]string{}, from: map[string]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, envPrefix) {
			s.env[name] = value
		}
	}
	return s
}

// Validate has nothing to check: unknown keys were noted when the file was read.
func (s *sources) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag that the command line does not have, or nil. A variable that
// is set but empty counts, so that TICKGATE_ADMIN= disables the listener as --admin= does.
func (s *sources) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" {
		return nil, nil
	}
	if value, ok := s.env[EnvName(flag.Name)]; ok {
		s.from["--"+flag.Name] = EnvName(flag.Name)
		return value, nil
	}
	if s.load(ctx); s.file == nil {
		return nil, nil
	}
	value, err := s.file.Resolve(ctx, parent, flag)
	if err != nil || value == nil {
		return nil, err
	}
	s.from["--"+flag.Name] = fmt.Sprintf("%s:%d", s.path, s.lines[flag.Name])
	return value, nil
}

// load reads the YAML file that the command line or the environment names, once.
func (s *sources) load(ctx *kong.Context) {
	if s.loaded {
		return
	}
	s.loaded = true
	source := ""
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			s.path, _ = ctx.FlagValue(flag).(string)
		}
	}
	if env, ok := s.env[EnvName("config")]; ok && s.path == "" {
		s.path, source = env, EnvName("config")
	}
	if s.path == "" {
		return
	}
	if err := s.read(ctx.Model.Flags); err != nil {
		s.problems = append(s.problems, Problem{Setting: "--config", Value: s.path, Source: source, Message: err.Error()})
	}
}

func (s *sources) read(flags []*kong.Flag) error {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("%w; name a readable YAML file", err)
	}
	s.file, err = kongyaml.Loader(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w; write lines such as 'feed-interval: 1s'", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	s.checkKeys(&document, fileKeys(flags))
	return nil
}

// fileKeys are the names a file may set: all but those that make sense on a command line only.
func fileKeys(flags []*kong.Flag) []string {
	var keys []string
	for _, flag := range flags {
		if flag.Name != "help" && flag.Name != "config" {
			keys = append(keys, flag.Name)
		}
	}
	return keys
}

// checkKeys notes the line of each key of the file, and each key that is unknown as a problem.
func (s *sources) checkKeys(document *yaml.Node, keys []string) {
	s.lines = map[string]int{}
	if len(document.Content) == 0 {
		return // an empty file
	}
	top := document.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		key := top[i]
		s.lines[key.Value] = key.Line
		if slices.Contains(keys, key.Value) {
			continue
		}
		best, _ := nearest(key.Value, keys)
		s.problems = append(s.problems, Problem{
			Setting: key.Value,
			Source:  fmt.Sprintf("%s:%d", s.path, key.Line),
			Message: fmt.Sprintf("no such key; the nearest is %s", best),
		})
	}
}

// locate completes problems with the source of the setting they are about.
func (s *sources) locate(problems Problems) Problems {
	for i := range problems {
		if problems[i].Source == "" {
			problems[i].Source = s.from[problems[i].Setting]
		}
	}
	return problems
}

// suspects warns of TICKGATE_ variables that are nearly the name of a setting. Others are left
// alone: Kubernetes sets TICKGATE_PORT and the like for a service of that name.
func (s *sources) suspects(flags []string) []string {
	var warnings []string
	names := make([]string, len(flags))
	for i, flag := range flags {
		names[i] = EnvName(flag)
	}
	for name := range s.env {
		if best, distance := nearest(name, names); distance == 1 || distance == 2 {
			warnings = append(warnings, fmt.Sprintf("%s is not a setting and has no effect; did you mean %s?", name, best))
		}
	}
	slices.Sort(warnings)
	return warnings
}
