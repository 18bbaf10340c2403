package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"tickgate/internal/config"
	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

// doctorFlags are what `gateway doctor` takes beside the gateway's own flags. They are texts, so that all that is wrong
// with them can be said at once.
type doctorFlags struct {
	Conns   string `placeholder:"N" help:"Connections to hold, such as 20000, 20k or 1m (default --max-conns)."`
	For     string `default:"gateway" placeholder:"WHO" help:"Whose ends are on this machine: 'gateway', 'swarm' or 'both'."`
	Rate    string `default:"1" placeholder:"N" help:"Messages a second to each client, for the question whether the processors keep up; 0 leaves it out."`
	Sources string `placeholder:"N" help:"Addresses that the swarm connects from (default 1, and for 'both' as many as it takes, since loopback has them)."`
	Targets string `default:"1" placeholder:"N" help:"Addresses and ports that the swarm connects to."`
	JSON    bool   `name:"json" help:"Write the report as JSON."`
}

// command describes the sub-command to the command line's parser, which fills f.
func (f *doctorFlags) command() config.Command {
	return config.Command{
		Name: "doctor", Flags: f,
		Help: "Say whether this machine holds N connections, and which limit is the first wall. Exit status 0: yes, 1: no.",
	}
}

// diagnose is `gateway doctor`. It returns the exit code: exitOK if the connections fit, exitFailed if they do not.
func (p program) diagnose(f *doctorFlags, cfg *config.Config) int {
	q, problems := f.question(cfg)
	if len(problems) > 0 {
		problems.Report(p.stderr, "doctor")
		return config.ExitUsage
	}
	report, err := examine(q)
	if err == nil {
		write := report.WriteText
		if f.JSON {
			write = report.WriteJSON
		}
		err = write(p.stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "gateway doctor: %v\n", err)
		return exitFailed
	}
	if !report.Fits {
		return exitFailed
	}
	return exitOK
}

// examine reads this machine, with the descriptors that the gateway would give itself.
func examine(q doctor.Question) (*doctor.Report, error) {
	if _, err := limits.RaiseNofile(int64(q.Conns) + limits.ReserveFiles); err != nil {
		return nil, err
	}
	machine, err := limits.Read("/")
	if err != nil {
		return nil, err
	}
	facts, err := doctor.ReadFacts("/", q.Port)
	if err != nil {
		return nil, err
	}
	return doctor.Examine(machine, facts, q), nil
}

// question checks the flags and returns all that is wrong with them.
func (f *doctorFlags) question(cfg *config.Config) (q doctor.Question, problems config.Problems) {
	number := func(flag, value string, least, otherwise int) int {
		if value == "" {
			return otherwise
		}
		n, err := count(value)
		if err != nil || n < least || n > maxAsked {
			problems = append(problems, config.Problem{
				Setting: flag, Value: value, Message: fmt.Sprintf("write a whole number from %d to %d, such as 20000, 20k or 1m", least, maxAsked),
			})
		}
		return n
	}
	q.Conns = number("--conns", f.Conns, 1, cfg.Server.MaxConns)
	role, known := doctor.ParseRole(f.For)
	if !known {
		problems = append(problems, config.Problem{Setting: "--for", Value: f.For, Message: "write gateway, swarm or both"})
	}
	q.Role = role
	sources := 0
	if role == limits.Swarm {
		sources = 1
	}
	q.Sources = number("--sources", f.Sources, 1, sources)
	q.Targets = number("--targets", f.Targets, 1, 1)
	rate, err := strconv.ParseFloat(f.Rate, 64)
	if err != nil || !(rate >= 0 && rate <= maxAskedRate) {
		problems = append(problems, config.Problem{Setting: "--rate", Value: f.Rate, Message: "write messages a second, such as 1 or 0.2, or 0"})
	}
	q.Rate = rate
	q.SndBuf = int64(cfg.Sockets.SndBuf)
	q.Port = publicPort(cfg.Server.Listen)
	return q, problems
}

// count reads a whole number, with k for thousands or m for millions behind it.
func count(value string) (int, error) {
	unit := 1
	switch digits := strings.ToLower(value); {
	case strings.HasSuffix(digits, "k"):
		unit = 1_000
	case strings.HasSuffix(digits, "m"):
		unit = 1_000_000
	}
	if unit > 1 {
		value = value[:len(value)-1]
	}
	n, err := strconv.Atoi(value)
	if err == nil && (n > maxAsked || n < -maxAsked) {
		err = strconv.ErrRange
	}
	return n * unit, err
}

const (
	// maxAsked keeps products of connections and bytes within an int64.
	maxAsked = 1_000_000_000
	// maxAskedRate is more than any feed has: --feed-interval is at least 10 ms.
	maxAskedRate = 1_000_000
)

// publicPort returns the port of --listen; 0 if it is taken anew at each start.
func publicPort(listen string) uint16 {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	return uint16(n)
}
