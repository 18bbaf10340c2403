package feed

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Kind is where a feed's messages come from.
type Kind string

// The kinds of feed.
const (
	Sim    Kind = "sim"    // seeded random walk
	Replay Kind = "replay" // rows of a CSV file, in a loop
	Stdin  Kind = "stdin"  // lines of Config.Input
	None   Kind = "none"   // nothing
)

// Publish takes a feed's messages. The payload is valid during the call only. A tick that it returns an error for
// counts as not published: the feed offers it again when the next is due, with the time of that one and the same
// sequence.
type Publish func(ctx context.Context, topic string, payload []byte, intended time.Time) error

// Feed is a source of messages.
type Feed interface {
	// Run publishes until the context ends, or until there is nothing more to publish, and returns nil then.
	// It may be called again after it has returned, and goes on where it was; not so for Stdin, which is read once.
	Run(ctx context.Context, publish Publish) error
	// Stats returns what has happened so far. Safe for concurrent use.
	Stats() Stats
}

// Stats counts messages.
type Stats struct {
	Published uint64
	Failed    uint64 // attempts to publish that returned an error
	Late      uint64 // times skipped because the feed, or the clock, was behind by more than an interval
	TooLong   uint64 // lines of standard input left out because of Config.MaxPayload
}

// Config says what to publish. Zero values mean the defaults.
type Config struct {
	// Kind is where the messages come from. Default: Sim.
	Kind Kind
	// Topic is where all of them are published. In a Sim's and a Replay's, "{sym}" stands for a tick's symbol, so that
	// each has a topic of its own.
	Topic string
	// Interval is the time from one tick to the next, at least 10 ms: of each symbol in a Sim, of all together in a
	// Replay. Ticks are meant for its multiples in Unix time; several symbols of a Sim are spread evenly over the
	// interval. Stdin does not use it. Default: 1 s.
	Interval time.Duration
	// PayloadBytes pads ticks to this length, if they are shorter. Default: no padding.
	PayloadBytes int

	// Symbols are the simulated ones; each gets a tick per interval. Default: ACME.
	Symbols []string
	// Seed makes the simulation reproducible: equal seeds, equal prices for a symbol's sequence.
	Seed int64

	// File is the CSV file that Replay reads, see there for its format.
	File string
	// CheckTopic refuses what is no topic: a file's symbols may not fit into one. Default: all are taken.
	CheckTopic func(topic string) error

	// Input is what Stdin reads. Default: nothing.
	Input io.Reader
	// MaxPayload is the length of the longest line that Stdin publishes. Default: 64 KiB.
	MaxPayload int
}

const (
	minInterval       = 10 * time.Millisecond
	defaultInterval   = time.Second
	defaultMaxPayload = 64 << 10
	defaultSymbol     = "ACME"
)

// New returns the feed that cfg asks for. A file is read and checked as a whole; an error about it names file,
// line and value.
func New(cfg Config) (Feed, error) {
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Interval < minInterval {
		return nil, fmt.Errorf("feed interval %v: at least %v is needed", cfg.Interval, minInterval)
	}
	switch cfg.Kind {
	case Sim, "":
		return newTicker(cfg, newSimulation(cfg)), nil
	case Replay:
		rows, err := readCSV(cfg)
		if err != nil {
			return nil, fmt.Errorf("replay %s: %w", cfg.File, err)
		}
		return newTicker(cfg, rows), nil
	case Stdin:
		return newLines(cfg), nil
	case None:
		return none{}, nil
	default:
		return nil, fmt.Errorf("feed %q: there are %s, %s, %s and %s", cfg.Kind, Sim, Replay, Stdin, None)
	}
}

// counters are written by Run and read by Stats.
type counters struct {
	published, failed, late, tooLong atomic.Uint64
}

// Stats implements Feed.
func (c *counters) Stats() Stats {
	return Stats{
		Published: c.published.Load(), Failed: c.failed.Load(),
		Late: c.late.Load(), TooLong: c.tooLong.Load(),
	}
}

// count notes the outcome of an attempt to publish and reports whether it succeeded.
func (c *counters) count(err error) bool {
	if err != nil {
		c.failed.Add(1)
		return false
	}
	c.published.Add(1)
	return true
}
