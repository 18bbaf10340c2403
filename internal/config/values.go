package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written as 4096, 64KiB (1024-based) or 1MB (1000-based).
type Size int64

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > math.MaxInt64 {
		return errors.New("not a size; write bytes such as 4096, 64KiB or 1MB")
	}
	*s = Size(n)
	return nil
}

// String formats the size in the largest unit that divides it.
func (s Size) String() string {
	for _, unit := range []struct {
		bytes Size
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if s != 0 && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Workers is a number of worker processes, or AutoWorkers.
type Workers int

// AutoWorkers leaves the number of processes to the descriptor limit.
const AutoWorkers Workers = 0

// UnmarshalText parses "auto" or a number from 1 up.
func (w *Workers) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*w = AutoWorkers
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 1024 {
		return errors.New("not a number of processes; write auto or a number from 1 to 1024")
	}
	*w = Workers(n)
	return nil
}

// String is the form that UnmarshalText reads.
func (w Workers) String() string {
	if w == AutoWorkers {
		return "auto"
	}
	return strconv.Itoa(int(w))
}

// Admin is the private listener's address.
type Admin struct {
	Addr string // host:port, or "" when there is no private listener
}

// UnmarshalText takes an address, also as the URL that clients use; "off" and the empty text disable the listener.
func (a *Admin) UnmarshalText(text []byte) error {
	a.Addr = strings.TrimSuffix(strings.TrimPrefix(string(text), "http://"), "/")
	if a.Addr == "off" {
		a.Addr = ""
	}
	return nil
}

// Sync is when stored messages are put on the disk.
type Sync struct {
	Always bool          // before each acknowledgement
	Every  time.Duration // 0 if Always
}

// UnmarshalText parses always or a duration.
func (s *Sync) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*s = Sync{Always: true}
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("neither always nor a duration; write always, 1s or 200ms")
	}
	*s = Sync{Every: d}
	return nil
}

// String is the form that UnmarshalText reads.
func (s Sync) String() string {
	if s.Always {
		return "always"
	}
	return short(s.Every)
}

// FeedKind is where ticks come from.
type FeedKind string

// The kinds of feed.
const (
	FeedSim    FeedKind = "sim"    // seeded random walk
	FeedReplay FeedKind = "replay" // rows of a CSV file, in a loop
	FeedStdin  FeedKind = "stdin"  // one payload per line of standard input
	FeedNone   FeedKind = "none"   // no ticks; others publish
)

// Source is a kind of feed and, for a replay, its file.
type Source struct {
	Kind FeedKind
	File string // set for FeedReplay only
}

// UnmarshalText parses sim, replay:FILE, stdin or none.
func (s *Source) UnmarshalText(text []byte) error {
	kind, file, hasFile := strings.Cut(string(text), ":")
	switch FeedKind(kind) {
	case FeedReplay:
		if file == "" {
			return errors.New("no file to replay; write replay:FILE, such as replay:data/sp500-2000.csv")
		}
	case FeedSim, FeedStdin, FeedNone:
		if hasFile {
			return fmt.Errorf("%s takes no file; write %s, or replay:FILE to replay one", kind, kind)
		}
	default:
		return errors.New("not a kind of feed; write sim, replay:FILE, stdin or none")
	}
	*s = Source{Kind: FeedKind(kind), File: file}
	return nil
}

// String is the form that UnmarshalText reads.
func (s Source) String() string {
	if s.Kind == FeedReplay {
		return string(s.Kind) + ":" + s.File
	}
	return string(s.Kind)
}

// Policy is what a subscriber that fell behind gets.
type Policy string

// The policies; see Topics.Policy.
const (
	PolicyLatest Policy = "latest"
	PolicyAll    Policy = "all"
)

// UnmarshalText parses latest or all.
func (p *Policy) UnmarshalText(text []byte) error {
	switch v := Policy(text); v {
	case PolicyLatest, PolicyAll:
		*p = v
		return nil
	}
	return errors.New("not a policy; write latest or all")
}

// IO is an I/O model.
type IO string

// The I/O models; see Server.IO.
const (
	IOEpoll     IO = "epoll"
	IOGnet      IO = "gnet"
	IOGoroutine IO = "goroutine"
)

// UnmarshalText parses epoll, gnet or goroutine.
func (m *IO) UnmarshalText(text []byte) error {
	switch v := IO(text); v {
	case IOEpoll, IOGnet, IOGoroutine:
		*m = v
		return nil
	}
	return errors.New("not an I/O model; write epoll, gnet or goroutine")
}

// LogFormat is the format of log lines.
type LogFormat string

// The formats of log lines.
const (
	LogText LogFormat = "text" // key=value pairs
	LogJSON LogFormat = "json" // one JSON object per line
)

// UnmarshalText parses text or json.
func (f *LogFormat) UnmarshalText(text []byte) error {
	switch v := LogFormat(text); v {
	case LogText, LogJSON:
		*f = v
		return nil
	}
	return errors.New("not a log format; write text or json")
}

// URLs are the addresses of NATS servers. They may carry credentials, which String leaves out.
type URLs []string

// UnmarshalText parses a comma-separated list. A URL without a scheme is taken as nats://.
func (u *URLs) UnmarshalText(text []byte) error {
	*u = nil
	for field := range strings.SplitSeq(string(text), ",") {
		field = strings.TrimSpace(field)
		if field == "" {
			continue
		}
		if !strings.Contains(field, "://") {
			field = "nats://" + field
		}
		if err := checkURL(field); err != nil {
			return err
		}
		*u = append(*u, field)
	}
	return nil
}

// String lists the URLs without their passwords and tokens.
func (u URLs) String() string {
	shown := make([]string, len(u))
	for i, raw := range u {
		shown[i] = redact(raw)
	}
	return strings.Join(shown, ",")
}

// LogValue implements slog.LogValuer: package slog would take MarshalText, which hides nothing.
func (u URLs) LogValue() slog.Value { return slog.StringValue(u.String()) }

// Secret tells whether one of the URLs carries credentials.
func (u URLs) Secret() bool {
	return slices.ContainsFunc(u, func(raw string) bool { return strings.Contains(raw, "@") })
}

func checkURL(raw string) error {
	const remedy = "write nats://host:4222, tls://host:4222 or several with commas between them"
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not a URL; " + remedy) // url.Error repeats the password
	}
	switch u.Scheme {
	case "nats", "tls", "ws", "wss":
	default:
		return fmt.Errorf("%s is not a scheme of NATS; %s", u.Scheme, remedy)
	}
	if u.Path != "" && u.Path != "/" { // nats//user:secret@host is one, and would be logged
		return errors.New("a path after the host; " + remedy)
	}
	if u.Hostname() == "" {
		return errors.New("no host; " + remedy)
	}
	if port := u.Port(); port != "" && !validPort(port) {
		return fmt.Errorf("port %s is not from 0 to 65535; %s", port, remedy)
	}
	return nil
}

// redact hides what stands between the scheme and the host of each comma-separated URL. It works
// on text that may not parse, since error messages quote what was given.
func redact(list string) string {
	fields := strings.Split(list, ",")
	for i, field := range fields {
		scheme, rest, found := strings.Cut(field, "://")
		if !found {
			scheme, rest = "", field
		}
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = "***" + rest[at:]
		}
		if fields[i] = rest; found {
			fields[i] = scheme + "://" + rest
		}
	}
	return strings.Join(fields, ",")
}
