package limits

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Kind says what happens where a limit is too low.
type Kind uint8

// The kinds of limits.
const (
	Machine Kind = iota // more connections are impossible on this machine
	Process             // more are impossible in one process; several processes can share them
	Load                // they fit, but a storm of connects or a message to all of them at once runs into it
	Pace                // they fit, but the processors cannot keep up with their messages
)

// String returns the kind's name.
func (k Kind) String() string { return [...]string{"machine", "process", "load", "pace"}[k] }

// Check is one limit, compared with what a demand needs.
type Check struct {
	Name   string // the limit's own name, as the kernel or the shell calls it
	Kind   Kind
	Now    int64  // what it is; may be Unlimited
	Need   int64  // what the demand needs
	Unit   string // of Now and Need
	Holds  int    // how many connections Now is enough for
	Why    string // what the limit bounds and how the need comes about
	Change string // the command that raises it to Need, or what to do where no command can
	Undo   string // what puts Now back; empty if nothing has to
}

// Units that are not printed as they are.
const (
	UnitBytes = "bytes"    // with a binary prefix
	UnitCPU   = "milliCPU" // thousandths of a processor's time, printed as processors
)

// OK reports whether the limit is high enough.
func (c Check) OK() bool { return c.Now >= c.Need }

// String returns the check as one line for an operator.
func (c Check) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s", c.Name, c.amount(c.Now))
	if !c.OK() {
		fmt.Fprintf(&b, ", needs %s", c.amount(c.Need))
	}
	fmt.Fprintf(&b, " (%s)", c.Why)
	if !c.OK() {
		fmt.Fprintf(&b, "; to raise it: %s", c.Change)
	}
	return b.String()
}

// amount returns n with its unit.
func (c Check) amount(n int64) string {
	switch {
	case n == Unlimited:
		return "unlimited"
	case c.Unit == UnitBytes:
		return humanize.IBytes(uint64(max(0, n)))
	case c.Unit == UnitCPU:
		return fmt.Sprintf("%.2f CPUs", float64(n)/1000)
	}
	return fmt.Sprint(n, " ", c.Unit)
}

// sysctl returns c with the commands for a key that holds one number.
func (c Check) sysctl() Check {
	c.Change, c.Undo = sysctlCommand(c.Name, c.Need), sysctlCommand(c.Name, c.Now)
	return c
}

// file returns c with the commands for a limit in a file of its own.
func (c Check) file(path string, change, undo int64) Check {
	c.Why += ", set in " + path
	c.Change = fmt.Sprintf("echo %d | sudo tee %s", change, path)
	c.Undo = fmt.Sprintf("echo %d | sudo tee %s", undo, path)
	return c
}

func sysctlCommand(key string, values ...int64) string {
	text := strings.Trim(fmt.Sprint(values), "[]")
	if len(values) > 1 {
		text = `"` + text + `"`
	}
	return "sudo sysctl -w " + key + "=" + text
}
