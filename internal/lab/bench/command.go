package bench

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tickgate/internal/lab/netns"
)

// command is a program with its surroundings.
type command struct {
	path      string
	args      []string
	env       map[string]string // besides lab's own
	nofile    uint64            // 0 leaves it
	namespace *netns.Namespace  // nil leaves it
	// in is how String calls the namespace, which has no name; empty for none.
	in string
}

// settingVariable are variables of lab's own environment that the programs do not get.
var settingVariable = regexp.MustCompile(`^(TICKGATE_[A-Z_]+|GO(GC|MEMLIMIT|MAXPROCS|DEBUG|TRACEBACK))=`)

// String writes the command as a shell takes it, with tools of util-linux and iproute2 in the place of the shim.
func (c command) String() string {
	var words []string
	if c.in != "" {
		words = append(words, "ip", "netns", "exec", c.in)
	}
	if c.nofile > 0 {
		n := strconv.FormatUint(c.nofile, 10)
		words = append(words, "prlimit", "--nofile="+n+":"+n)
	}
	if len(c.env) > 0 {
		words = append(words, "env")
	}
	for _, name := range sortedKeys(c.env) {
		words = append(words, name+"="+c.env[name])
	}
	words = append(append(words, c.path), c.args...)
	for i, word := range words {
		words[i] = quote(word)
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
