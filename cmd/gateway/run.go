package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"tickgate/internal/buildinfo"
	"tickgate/internal/config"
	"tickgate/internal/epoll"
	"tickgate/internal/feed"
	"tickgate/internal/interrupt"
	"tickgate/internal/iomodel"
	"tickgate/internal/limits"
	"tickgate/internal/prefork"
	"tickgate/internal/quota"
	"tickgate/internal/ticklog"
)

// linked is set by the Makefile from git.
var linked string

// version is what --version prints.
var version = buildinfo.Version(linked)

// Exit codes beside config.ExitUsage.
const (
	exitOK     = 0
	exitFailed = 1
)

// program is what a run gets from its surroundings.
type program struct {
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errForced ends a drain at a second signal.
var errForced = errors.New("a second signal ended the drain")

// run is the whole program; it returns the exit code.
func run(ctx context.Context, p program) int {
	tuneCollector()
	iomodel.ReleasePool() // gnet starts it when it is imported, and nobody here needs it
	if prefork.IsChild() {
		return p.exit(slog.New(slog.NewTextHandler(p.stderr, nil)), work(ctx, p))
	}
	var (
		doctor    doctorFlags
		publisher publishFlags
		lister    topicsFlags
	)
	commands := config.Commands{doctor.command(), publisher.command(), lister.command(), {Name: "version", Help: "Print the version, as --version does."}}
	if slices.Equal(p.args, []string{"--version"}) {
		p.args = []string{"version"}
	}
	cfg, code := commands.Parse(p.args, p.stdout, p.stderr, p.environ)
	if cfg == nil {
		return code
	}
	switch cfg.Command {
	case "doctor":
		return p.diagnose(&doctor, cfg)
	case "publish":
		return p.publish(ctx, &publisher, cfg)
	case "topics":
		return p.topics(ctx, &lister, cfg)
	case "version":
		_, _ = fmt.Fprintln(p.stdout, "tickgate", version)
		return exitOK
	}
	log := newLog(p.stderr, cfg.Log)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	if cfg.Bus.URLs.Secret() && slices.ContainsFunc(p.args, func(arg string) bool { return strings.Contains(arg, "@") }) {
		log.Warn("every user of this machine can read the secret in --nats from the list of processes; TICKGATE_NATS, --config or --nats-creds keep it out of there")
	}
	return p.exit(log, serve(ctx, cfg, p, log))
}

// exit tells the operator why the gateway ends. An end that was asked for twice is none to be alarmed about, but its
// clients were not sent away in order.
func (p program) exit(log *slog.Logger, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errForced):
		log.Warn("gateway ended at once", "why", errForced)
	default:
		log.Error("gateway ended", "error", err)
	}
	return exitFailed
}

// serve runs the gateway in one process or in several, as the limits demand.
func serve(ctx context.Context, cfg *config.Config, p program, log *slog.Logger) error {
	source, err := feed.New(feedConfig(cfg, p))
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	keys, err := loadKeys(cfg.Server.PublishKeys, log)
	if err != nil {
		return err
	}
	verifying, err := newTokens(&cfg.Access, nil, log)
	if err != nil {
		return err
	}
	defer verifying.close()
	port, err := epoll.Reserve(cfg.Server.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("public listener: %w; another program listens there, --listen takes another address", err)
	}
	if err != nil {
		return fmt.Errorf("public listener: %w", err)
	}
	defer func() { _ = port.Close() }()
	plan, err := newPlan(cfg, log)
	if err != nil {
		return err
	}
	plan.tokens = verifying
	signals, ignore := interrupt.Notify()
	defer ignore()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	g := &gateway{
		cfg: cfg, program: p, log: log, plan: plan, addr: port.Addr.String(), signals: signals, hangups: hangups, feed: source,
	}
	g.keys.Store(keys)
	warnOfStrangers(cfg.Topics.Rules, keys, log)
	if err := g.run(ctx); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// run serves in as many processes as planned, until a signal or a failure.
func (g *gateway) run(ctx context.Context) error {
	if g.plan.workers > 1 {
		return g.supervise(ctx)
	}
	return g.runAlone(ctx)
}

// newLog returns the operator's log.
func newLog(w io.Writer, cfg config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// plan is how the connections are shared among processes and loops.
type plan struct {
	workers  int // 1 is this process alone
	loops    int // per process
	maxConns int // per process
	nofile   int // per process

	why, whyFewer string // more than one process, and not all connections; empty if it is not so

	quota     epoll.Quota      // of all processes together; nil where there is one
	addresses *quota.Addresses // nil if addresses are not bound

	ticks  *ticklog.Log // set before a node is made
	tokens *tokens      // of this process, likewise
}

// newPlan compares what is asked for with what this machine grants.
func newPlan(cfg *config.Config, log *slog.Logger) (plan, error) {
	if _, err := limits.RaiseNofile(int64(cfg.Server.MaxConns) + limits.ReserveFiles); err != nil {
		log.Debug("nofile stays as it is", "error", err)
	}
	machine, err := limits.Read("/")
	if err != nil {
		return plan{}, fmt.Errorf("read the machine's limits: %w", err)
	}
	fit := machine.Fit(limits.Demand{Conns: cfg.Server.MaxConns, Role: limits.Gateway})
	p := plan{
		workers: int(cfg.Server.Workers), loops: cfg.Server.Loops, nofile: int(machine.Files.Hard), whyFewer: fit.WhyFewer(),
	}
	if cfg.Server.Workers == config.AutoWorkers {
		p.workers, p.why = fit.Workers, fit.WhyWorkers()
	}
	if p.loops == 0 {
		p.loops = max(1, int(machine.CPUs)/p.workers)
	}
	p.maxConns = min(cfg.Server.MaxConns, max(1, p.nofile-limits.ReserveFiles))
	return p, nil
}

// capacity is the number of connections that all workers together take.
func (p plan) capacity(cfg *config.Config) int {
	return min(cfg.Server.MaxConns, p.workers*p.maxConns)
}

// explain tells the operator what the limits made of the settings. It comes after all that a typing mistake can break: an
// error should not have to be looked for behind it.
func (p plan) explain(log *slog.Logger) {
	if p.whyFewer != "" {
		log.Warn("not all of --max-conns fits", "why", p.whyFewer)
	}
	if p.why != "" {
		log.Info("several worker processes", "workers", p.workers, "why", p.why)
	}
}
