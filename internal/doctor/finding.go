package doctor

import (
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"

	"tickgate/internal/limits"
)

// State is how a finding stands to the question. Lower ones are worse.
type State uint8

// The states.
const (
	Stop  State = iota // fewer connections than asked for are possible on this machine
	Late               // they can be held, but the processors cannot serve them at the rate
	Split              // one process cannot hold them, several can
	Slow               // they fit, but a storm of connects, a message to all at once, or a few bad clients run into it
	Note               // it stands in nobody's way, and is a trap nevertheless
	OK
	Absent // this kernel does not have it, and nothing depends on it yet
)

var states = [...]string{"stop", "late", "split", "slow", "note", "ok", "absent"}

// String returns the state's name.
func (s State) String() string { return states[s] }

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing looked at.
type Finding struct {
	Name      string
	State     State
	Now, Need Amount
	Holds     int    // connections that Now is enough for; math.MaxInt if it bounds none
	Why       string // what it bounds, and how the need comes about
	Breaks    string // what happens first if it stays
	Change    string // the command that makes it enough, or what to do where no command can; empty if nothing has to change
	Undo      string // the command that puts it back; empty if there is none
	Myth      string // what popular advice gets wrong about it, with the reason
}

// Amount is a quantity, or words where there is no number.
type Amount struct {
	Value int64 // valid if Unit is set; may be limits.Unlimited
	Unit  string
	Text  string // as an operator reads it
}

// words is an amount without a number.
func words(format string, args ...any) Amount { return Amount{Text: fmt.Sprintf(format, args...)} }

// amount is n with its unit.
func amount(n int64, unit string) Amount {
	a := Amount{Value: n, Unit: unit}
	switch {
	case n == limits.Unlimited:
		a.Text = "unlimited"
	case unit == limits.UnitBytes:
		a.Text = humanize.IBytes(uint64(max(0, n)))
	case unit == limits.UnitCPU:
		a.Text = fmt.Sprintf("%.2f CPUs", float64(n)/1000)
	default:
		a.Text = humanize.Comma(n) + " " + unit
	}
	return a
}

// fromCheck turns a check of internal/limits into a finding.
func fromCheck(c limits.Check, fit *limits.Fit) Finding {
	f := Finding{
		Name: c.Name, State: OK, Now: amount(c.Now, c.Unit), Need: amount(c.Need, c.Unit), Holds: c.Holds, Why: c.Why,
	}
	if c.Holds > math.MaxInt/2 {
		f.Holds = unbounded
	}
	known := advice[c.Name]
	f.Breaks, f.Myth = known.breaks, known.myth
	if c.OK() {
		return f
	}
	f.Change, f.Undo = c.Change, c.Undo
	f.State = [...]State{limits.Machine: Stop, limits.Process: Split, limits.Load: Slow, limits.Pace: Late}[c.Kind]
	if c.Name == "nofile" {
		f.Breaks = fmt.Sprintf("%s; %s", split(fit), f.Breaks)
	}
	return f
}

// split says how several processes pass the limit of one.
func split(fit *limits.Fit) string {
	var programs []string
	if fit.Workers > 1 {
		programs = append(programs, fmt.Sprintf("the gateway starts %d workers", fit.Workers))
	}
	if fit.Clients > 1 {
		programs = append(programs, fmt.Sprintf("the swarm starts %d processes", fit.Clients))
	}
	text := fmt.Sprintf("a process stops at %s connections", comma(fit.PerProcess))
	if len(programs) > 0 {
		text += ", so " + strings.Join(programs, " and ")
	}
	return text
}
