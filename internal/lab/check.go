package lab

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check returns everything that is wrong with the experiment, or nil.
func (e *Experiment) check() error {
	c := &checker{}
	c.require(e.Question != "", "question: missing; say what the experiment is to find out")
	c.require(e.Expectation != "", "expectation: missing; say what you expect before you measure")
	c.oneOf("network", string(e.Network), string(Loopback), string(Private), string(Link))
	c.oneOf("window", string(e.Window), string(Hold), string(Whole))
	c.require(e.Cut == nil || e.Network == Link, "cut: there is a cable to cut only with network: link")
	c.require(e.Cut == nil || e.Cut.Limit > 0, "cut.limit: missing; say how long to wait for the gateway to notice")
	c.require(e.LinkRate == "" || e.Network == Link, "link-rate: there is a link to be slowed down only with network: link")
	c.require(e.LinkRate == "" || linkRate.MatchString(e.LinkRate), "link-rate: got %q, want a bandwidth such as 40mbit", e.LinkRate)
	e.Design.check(c)
	e.checkMetrics(c)
	e.checkVariants(c)
	return errors.Join(c.problems...)
}

var linkRate = regexp.MustCompile(`^[1-9][0-9]{0,5}(kbit|mbit|gbit)$`)

// checker collects problems.
type checker struct{ problems []error }

func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, fmt.Errorf(format, args...))
	}
}

func (c *checker) oneOf(key, got string, want ...string) {
	c.require(slices.Contains(want, got), "%s: got %q, want %s", key, got, strings.Join(want, " or "))
}

func (d Design) check(c *checker) {
	c.oneOf("design.order", string(d.Order), string(Mirrored), string(Random))
	c.require(d.Repeats >= 1 && d.Repeats <= maxRepeats, "design.repeats: got %d, want 1 to %d", d.Repeats, maxRepeats)
	c.require(d.Warmup >= 0, "design.warmup: got %s, want 0s or more", d.Warmup)
	c.require(d.Measure > 0, "design.measure: got %s, want more than 0s", d.Measure)
	c.require(d.Cooldown >= 0, "design.cooldown: got %s, want 0s or more", d.Cooldown)
	c.require(d.Timeout >= Duration(time.Second), "design.timeout: got %s, want 1s or more", d.Timeout)
}

func (e *Experiment) checkMetrics(c *checker) {
	c.require(len(e.Metrics) > 0, "metrics: missing; name at least one number to compare the variants by")
	names := map[string]bool{}
	for i, m := range e.Metrics {
		key := fmt.Sprintf("metrics[%d]", i)
		c.require(m.Name != "", "%s.name: missing", key)
		c.require(!names[m.Name], "%s.name: %q is taken already", key, m.Name)
		names[m.Name] = true
		c.oneOf(key+".better", string(m.Better), string(Lower), string(Higher), string(Neither))
		c.oneOf(key+".effect", string(m.Effect), string(Ratio), string(Difference))
		c.require(m.Effect == Difference || m.MinEffect.Absolute == 0, "%s.min-effect: a ratio needs a percentage", key)
		c.address(key+".value", m.Value, true)
		c.address(key+".per", m.Per, false)
	}
}

func (c *checker) address(key, address string, needed bool) {
	if address == "" {
		c.require(!needed, "%s: missing; name a number of a run, such as gateway.tickgate_deliveries_total", key)
		return
	}
	if _, err := parseAddress(address); err != nil {
		c.problems = append(c.problems, fmt.Errorf("%s: %w", key, err))
	}
}

// variantName fits into a column of a table.
var variantName = regexp.MustCompile(`^[^\pC\pZ][^\pC]{0,29}$`)

func (e *Experiment) checkVariants(c *checker) {
	c.require(len(e.Variants) >= 2, "variants: got %d, want at least two, the baseline first", len(e.Variants))
	names := map[string]bool{}
	for i, v := range e.Variants {
		key := fmt.Sprintf("variants[%d]", i)
		c.require(variantName.MatchString(v.Name), "%s.name: got %q, want 1 to 30 printable characters", key, v.Name)
		c.require(!names[v.Name], "%s.name: %q is taken already", key, v.Name)
		names[v.Name] = true
		setup := e.Setup(i)
		e.checkSetup(c, key, setup)
		for j := range i {
			same := reflect.DeepEqual(setup, e.Setup(j))
			c.require(!same || e.SameOnPurpose, "%s: %q is the same as %q; an A/A test says same-on-purpose: true", key, v.Name, e.Variants[j].Name)
		}
	}
}

// reserved are the flags that lab itself gives.
var reserved = map[string][]string{
	"gateway": {"listen", "admin", "config", "io"},
	"swarm":   {"json", "hold", "target", "url"},
}

var (
	flagName   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	runtimeEnv = regexp.MustCompile(`^GO[A-Z]+$`)
	sysctlName = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)+$`)
)

func (e *Experiment) checkSetup(c *checker, key string, s Setup) {
	c.flags(key+".gateway", s.Gateway, reserved["gateway"])
	c.flags(key+".swarm", s.Swarm, reserved["swarm"])
	for name := range s.Env {
		c.require(runtimeEnv.MatchString(name), "%s.env.%s: only variables of the Go runtime, such as GOGC, can be set", key, name)
	}
	for name, value := range s.Sysctl {
		c.require(sysctlName.MatchString(name), "%s.sysctl: %q is not the name of a sysctl", key, name)
		c.require(value != "" && !strings.ContainsAny(string(value), "\n\x00"), "%s.sysctl.%s: got %q, want one line", key, name, value)
	}
	if s.IO != "" {
		c.oneOf(key+".io", s.IO, "epoll", "gnet", "goroutine")
	}
	c.require(s.Conntrack == nil || e.Network != Loopback, "%s.conntrack: rules are made only in a network of lab's own; use network: private", key)
	c.require(s.Swarm.Int("conns") > 0, "%s.swarm.conns: missing; say how many clients connect", key)
}

func (c *checker) flags(key string, flags Flags, reserved []string) {
	for name := range flags {
		c.require(flagName.MatchString(name), "%s: %q is not the name of a flag; write it without dashes in front", key, name)
		c.require(!slices.Contains(reserved, name), "%s.%s: lab sets this flag itself", key, name)
	}
}
