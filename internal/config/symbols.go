package config

import (
	"strconv"
	"strings"
)

// SymbolPlaceholder stands for a tick's symbol in Feed.Topic.
const SymbolPlaceholder = "{sym}"

// MakesTopics reports whether each symbol has a topic of its own.
func (f *Feed) MakesTopics() bool { return strings.Contains(f.Topic, SymbolPlaceholder) }

// SymbolNames returns the names of the simulated symbols.
func (f *Feed) SymbolNames() []string {
	names := make([]string, max(f.Symbols, 1))
	for i := range names {
		names[i] = f.symbolName(i)
	}
	return names
}

func (f *Feed) symbolName(i int) string {
	if f.Symbols <= 1 {
		return "ACME"
	}
	return "S" + strconv.Itoa(i)
}

// DefaultTopic returns the topic of the first symbol.
func (f *Feed) DefaultTopic() string {
	return strings.ReplaceAll(f.Topic, SymbolPlaceholder, f.symbolName(0))
}
