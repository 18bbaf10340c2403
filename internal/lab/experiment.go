package lab

import "time"

// Experiment is one question with the variants that shall answer it: what a file in experiments/ says. Load makes it; it is read only afterwards.
type Experiment struct {
	// Name is the file's name without its ending.
	Name string `yaml:"-"`
	// Source is the file as it was read.
	Source []byte `yaml:"-"`

	Question    string `yaml:"question"`
	Expectation string `yaml:"expectation"`
	// Measured is the answer as it was found on the machine that it names; empty until somebody ran it.
	Measured string `yaml:"measured"`

	Network Network `yaml:"network"`
	Window  Window  `yaml:"window"`
	// Cut, if set, ends the run's network (Link only) instead of its clients.
	Cut *Cut `yaml:"cut"`
	// LinkRate, if set, is the bandwidth from gateway to clients (Link only), as tc(8) takes it: 40mbit.
	LinkRate string `yaml:"link-rate"`
	Design   Design `yaml:"design"`

	Metrics []Metric `yaml:"metrics"`

	// Common is what all variants share; they may override it key by key.
	Common Setup `yaml:"common"`
	// Variants has the baseline first: each of the others is compared with it.
	Variants []Variant `yaml:"variants"`
	// SameOnPurpose allows variants without a difference, for A/A tests of lab itself.
	SameOnPurpose bool `yaml:"same-on-purpose"`

	// MediansOnly is for what takes too long for as many blocks as verdicts need: its result is a table of medians, and no difference is claimed.
	MediansOnly bool `yaml:"medians-only"`

	// Quick is laid over everything else by --quick.
	Quick Quick `yaml:"quick"`
}

// Variant is one of the things that are compared.
type Variant struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"`
	Setup `yaml:",inline"`
}

// Setup is how the gateway and the swarm are run. The zero value of a field leaves it as it is by itself.
type Setup struct {
	Gateway Flags             `yaml:"gateway"` // flags without their dashes
	Swarm   Flags             `yaml:"swarm"`   // flags without their dashes
	Env     map[string]Scalar `yaml:"env"`     // the gateway's environment: GOGC, GOMEMLIMIT, GOMAXPROCS and other variables of the Go runtime
	Sysctl  map[string]Scalar `yaml:"sysctl"`  // by dotted name
	IO      string            `yaml:"io"`      // the gateway's I/O model: epoll, gnet, goroutine
	NoFile  uint64            `yaml:"nofile"`  // the gateway's RLIMIT_NOFILE, both soft and hard
	// Conntrack makes netfilter follow the connections of the network that lab made (not with Loopback).
	Conntrack *bool `yaml:"conntrack"`
}

// Design is how the runs are ordered, repeated and timed.
type Design struct {
	Order    Order    `yaml:"order"`
	Repeats  int      `yaml:"repeats"`  // blocks
	Warmup   Duration `yaml:"warmup"`   // from all clients being connected to the window
	Measure  Duration `yaml:"measure"`  // the window
	Cooldown Duration `yaml:"cooldown"` // rest before each run
	Timeout  Duration `yaml:"timeout"`  // for a run besides warm-up and window: start, ramp and stop
}

// Order is how the variants follow each other within a block.
type Order string

// The orders.
const (
	// Mirrored is ABBA: each variant once in an order drawn by lot, then again in the reverse order, so that a steady drift cancels out within the block.
	Mirrored Order = "abba"
	// Random is each variant once, in an order drawn by lot.
	Random Order = "random"
)

// Network is where gateway and swarm meet. Nothing ever leaves the machine.
type Network string

// The networks.
const (
	// Loopback is the machine's own 127.0.0.1; sysctls are the machine's and are restored.
	Loopback Network = "loopback"
	// Private is the loopback of a network namespace that is made for each run and vanishes with it, and so are the sysctls under net.
	Private Network = "private"
	// Link is two such namespaces, one for each side, with a cable (veth) between them that can be cut.
	Link Network = "link"
)

// Window is the part of a run that is measured at the gateway.
type Window string

// The windows.
const (
	// Hold begins when all clients are connected and warm-up is over, and lasts as long as Design.Measure.
	Hold Window = "hold"
	// Whole begins before the first client connects and lasts until Design.Measure after the last one did.
	Whole Window = "whole"
)

// Cut is a cable that is cut at the beginning of the window, so that clients vanish without a word. The window then ends when the gateway has noticed all of
// them, or after Limit.
type Cut struct {
	Limit Duration `yaml:"limit"`
}

// Metric is a number that every run yields and that the variants are compared by.
type Metric struct {
	Name string `yaml:"name"`
	Unit string `yaml:"unit"`
	// Value and Per are addresses of numbers in a run (see the package comment); the metric is Value, divided by Per if that is given, times Scale.
	Value string `yaml:"value"`
	Per   string `yaml:"per"`
	Scale Number `yaml:"scale"` // default 1

	Better Direction `yaml:"better"`
	// Effect is how two variants are compared, by ratio or by difference.
	Effect Comparison `yaml:"effect"`
	// MinEffect is the smallest effect that is of interest. Default 5 %.
	MinEffect Threshold `yaml:"min-effect"`
}

// Direction says which values of a metric are the better ones.
type Direction string

// The directions.
const (
	Lower   Direction = "lower"
	Higher  Direction = "higher"
	Neither Direction = "neither"
)

// Comparison says what the difference of two values is.
type Comparison string

// The comparisons.
const (
	Ratio      Comparison = "ratio"      // needs positive values
	Difference Comparison = "difference" // for what can be zero
)

// Quick is a smaller version of an experiment, to see whether it works at all.
type Quick struct {
	Repeats int      `yaml:"repeats"`
	Warmup  Duration `yaml:"warmup"`
	Measure Duration `yaml:"measure"`
	Gateway Flags    `yaml:"gateway"`
	Swarm   Flags    `yaml:"swarm"`
}

// defaultDesign is what a file's design is laid over.
var defaultDesign = Design{
	Order: Mirrored, Repeats: 8, // the fewest blocks in which four metrics can show a difference
	Warmup: Duration(3 * time.Second), Measure: Duration(10 * time.Second), Cooldown: Duration(time.Second), Timeout: Duration(time.Minute),
}

// maxRepeats keeps the exact distribution of the test's statistic, which grows with its cube, below a second.
const maxRepeats = 200

const defaultMinEffect = 0.05
