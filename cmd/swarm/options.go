package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tickgate/internal/load"
	"tickgate/internal/load/report"
)

// options is a checked command line.
type options struct {
	command []string

	conns     int // 0: as many as fit
	processes int // 0: as many as are needed
	loops     int
	client    load.Config // what every process's part is made of; targets are not resolved

	hold        time.Duration // 0: until something else ends it
	ticks       int
	settle      time.Duration
	rampTimeout time.Duration

	objective time.Duration // of a tick's last delivery; 0: found from the run

	json     string
	report   string // file of the HTML page
	asserts  []report.Assert
	admin    string // URL of the page of metrics; empty: none
	pids     []int
	autoPIDs bool
	progress string
}

// options checks the flags and notes all that is wrong with them.
func (f *flags) options(p *problems) *options {
	o := &options{
		loops: f.Loops, ticks: f.Ticks, settle: f.Settle, rampTimeout: f.RampTimeout,
		objective: f.Objective, json: f.JSON, report: f.Report, progress: f.Progress,
	}
	o.conns = p.autoOr(f.Conns, "conns")
	o.processes = p.autoOr(f.Processes, "processes")
	switch {
	case f.Hold != nil:
		o.hold = *f.Hold
	case f.Ticks == 0:
		o.hold = time.Minute
	}
	o.client = f.client(p)
	p.absence(f, o)
	o.asserts = p.asserts(f.Assert)
	o.admin = p.admin(f.Admin)
	o.pids, o.autoPIDs = p.pids(f.PID)
	for name, n := range map[string]float64{
		"rate": f.Rate, "churn": f.Churn, "slow": float64(f.Slow), "away-clients": float64(f.AwayClients), "away-rate": f.AwayRate,
		"loops": float64(f.Loops), "ticks": float64(f.Ticks),
		"rcvbuf": float64(f.RcvBuf), "max-message": float64(f.MaxMessage),
	} {
		if n < 0 {
			p.add("--%s: %v is negative", name, n)
		}
	}
	if o.objective > 0 && f.Admin == "" {
		p.add("--objective: nobody can be blamed without the gateway's records; give --admin URL")
	}
	if o.json == "-" && o.report == "-" {
		p.add("--report: JSON and HTML cannot both go to standard output")
	} else if o.json != "" && o.json == o.report {
		p.add("--report: JSON and HTML cannot both go to %s", o.json)
	}
	if o.conns > 0 && f.Slow > o.conns {
		p.add("--slow: %d clients of %d cannot be slow", f.Slow, o.conns)
	}
	return o
}

// client returns the part of the options that is the engine's.
func (f *flags) client(p *problems) load.Config {
	cfg := load.Config{
		Rate: f.Rate, Timeout: f.Timeout, Slow: f.Slow, Churn: f.Churn, NoReconnect: !f.Reconnect, RcvBuf: f.RcvBuf,
		Send: unescape(f.Send), Subprotocol: f.Subprotocol, Headers: f.Header, Coalesce: f.Coalesce,
		Absence:   f.absence(),
		TimeField: f.TSField, SeqField: f.SeqField, IDField: f.IDField, MaxMessage: f.MaxMessage,
		Subscription: load.Subscription{
			Topics: f.Topics, PerClient: f.TopicsPerClient, ByCommand: f.Subscribe == "command", KeyField: f.KeyField,
		},
	}
	var err error
	if cfg.Policy, err = load.ParsePolicy(f.Policy); err != nil {
		p.addError(err)
	}
	if cfg.Mix, err = load.ParseMix(f.Mix); err != nil {
		p.addError(fmt.Errorf("--%w", err))
	}
	if len(f.URLs) == 0 {
		p.add("no target; write swarm [flags] http://HOST:PORT")
	}
	for _, raw := range f.URLs {
		targets, err := load.ParseTarget(raw)
		p.addError(err)
		cfg.Targets = append(cfg.Targets, targets...)
	}
	if len(cfg.Targets) > 256 {
		p.add("%d targets are too many; give at most 256", len(cfg.Targets))
	}
	p.subscription(&cfg)
	for _, h := range f.Header {
		if name, _, ok := strings.Cut(h, ":"); !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(h, "\r\n") {
			p.add("--header: %q is not a header; write 'Name: value'", h)
		}
	}
	for _, s := range f.Source {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			p.add("--source: %q is not an IP address", s)
		}
		cfg.Sources = append(cfg.Sources, addr)
	}
	return cfg
}

// autoOr reads a number of at least 1, or auto, which is 0.
func (p *problems) autoOr(s, name string) int {
	if s == "auto" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		p.add("--%s: %q is neither a number of at least 1 nor auto", name, s)
	}
	return n
}

func (p *problems) asserts(s string) []report.Assert {
	asserts, err := report.ParseAsserts(s)
	p.addError(err)
	return asserts
}

// admin returns the URL of the page of metrics.
func (p *problems) admin(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		p.add("--admin: %q is not a URL; write http://127.0.0.1:9090", s)
		return ""
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/metrics"
	}
	return u.String()
}

func (p *problems) pids(s string) (pids []int, auto bool) {
	switch s {
	case "":
		return nil, true
	case "none":
		return nil, false
	}
	for part := range strings.SplitSeq(s, ",") {
		pid, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || pid < 1 {
			p.add("--pid: %q is not a process id", part)
		}
		pids = append(pids, pid)
	}
	return pids, false
}

// unescape replaces the escapes that --send knows.
func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(s)
}
