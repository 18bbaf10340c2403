package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"tickgate/internal/limits"
	"tickgate/internal/load"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

// conductor takes a swarm through its phases: ramp, hold, settle, leave. Not safe for concurrent use.
type conductor struct {
	o        *options
	plan     *plan
	survey   *survey
	fleet    fleet
	stop     <-chan struct{} // closed by the first interrupt
	progress *progress
	meter    *meter
	walls    *walls

	run     report.Run
	started time.Time
	stats   *load.Stats // as last read
	broken  error       // the first that went wrong without ending the run
	next    time.Time   // of the next point of the series
}

const (
	// glance is how often the swarm is looked at while it connects or settles.
	glance = 200 * time.Millisecond
	// interval is that of the series, and how often the swarm is looked at while it holds.
	interval = time.Second
	// drought ends a run that waits for ticks when none has come for so long.
	drought = 30 * time.Second
	// leaveTime bounds the farewell.
	leaveTime = 3 * time.Second
)

// Why holding ended.
const (
	stoppedByUser  = "interrupted"
	stoppedByTime  = "time was up"
	stoppedByTicks = "all ticks came"
	stoppedByDry   = "no tick came any more"
)

// conduct runs all phases and returns the report. An error with a report is one that did not end the run.
func (c *conductor) conduct(ctx context.Context) (*report.Report, error) {
	c.started = time.Now()
	if err := c.fleet.start(ctx); err != nil {
		return nil, err
	}
	records := follow(ctx, c.o.admin)
	defer records.stop()
	for _, phase := range []func(context.Context) error{c.ramp, c.hold, c.settle} {
		if err := phase(ctx); err != nil {
			return nil, err
		}
	}
	c.run.Suspects = report.Suspects{
		Gateway: records.end(ctx), Objective: c.o.objective, Local: c.plan.role == limits.Both,
	}
	c.leave(ctx)
	c.progress.end()
	c.describe()
	return report.New(&c.run), c.broken
}

// look reads the counters and shows the progress.
func (c *conductor) look(ctx context.Context, phase string) error {
	stats, err := c.fleet.stats(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if stats == nil {
		return err
	}
	if err != nil && c.broken == nil {
		c.broken = err
	}
	c.stats = stats
	c.meter.counted(stats.At, stats.Connected())
	c.walls.look(time.Now(), stats)
	if !c.run.Full.At.IsZero() {
		c.run.Ticks.Update(stats.Ticks, c.run.Full.At, time.Now())
		c.run.Away.Update(stats)
	}
	if now := time.Now(); !now.Before(c.next) {
		c.next = now.Add(interval)
		point := c.run.Add(c.survey.reading(stats))
		c.progress.show(&report.Progress{
			Phase: phase, Elapsed: now.Sub(c.started), Planned: c.plan.conns, Swarm: stats,
			Point: point, Every: interval.Seconds(), Ticks: c.run.Ticks.Count(), Of: c.o.ticks,
		})
	}
	return nil
}

// wait pauses for d, and reports whether the user has asked to stop.
func (c *conductor) wait(ctx context.Context, d time.Duration) (stopped bool, err error) {
	select {
	case <-time.After(d):
		return false, nil
	case <-c.stop:
		return true, nil
	case <-ctx.Done():
		return true, context.Cause(ctx)
	}
}

// measure waits for d, and takes what samples of memory are due meanwhile.
func (c *conductor) measure(ctx context.Context, d time.Duration) (stopped bool, err error) {
	for end := time.Now().Add(d); ; {
		c.meter.look(ctx)
		left := time.Until(end)
		if stopped, err = c.wait(ctx, max(0, min(left, leastPause))); stopped || left <= leastPause {
			return stopped, err
		}
	}
}

// pause waits for d whatever the user has asked for: the end of a run takes its time after an interrupt too.
func (c *conductor) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ramp connects everybody, or as many as can be in time.
func (c *conductor) ramp(ctx context.Context) error {
	deadline := c.started.Add(c.rampTimeout())
	for {
		stopped, err := c.measure(ctx, glance)
		if err != nil {
			return err
		}
		if err := c.look(ctx, "ramp"); err != nil {
			return err
		}
		s := c.stats
		settled := s.Fresh+s.Dialing+s.Away == 0
		if stopped || settled || s.Connected() >= c.plan.conns || time.Now().After(deadline) || c.broken != nil {
			break
		}
	}
	if !c.stats.LastOpen.IsZero() {
		c.run.Phases.Ramp = c.stats.LastOpen.Sub(c.started).Seconds()
	}
	c.fleet.hold(ctx)
	var err error
	if c.run.Full, err = c.survey.mark(ctx, c.stats); err != nil {
		return err
	}
	if err := c.look(ctx, "hold"); err != nil {
		return err
	}
	c.survey.restart(&c.run.Full, c.stats)
	return nil
}

func (c *conductor) rampTimeout() time.Duration {
	if c.o.rampTimeout > 0 {
		return c.o.rampTimeout
	}
	d := 30 * time.Second
	if c.o.client.Rate > 0 {
		d += time.Duration(2 * float64(c.plan.conns) / c.o.client.Rate * float64(time.Second))
	}
	return d
}

// hold measures.
func (c *conductor) hold(ctx context.Context) error {
	begin := time.Now()
	newest, news := c.stats.Newest, begin
	for c.run.Phases.Stopped == "" {
		stopped, err := c.wait(ctx, c.holdStep())
		if err != nil {
			return err
		}
		if err := c.look(ctx, "hold"); err != nil {
			return err
		}
		c.meter.hold(ctx, time.Since(begin))
		if c.stats.Newest != newest {
			newest, news = c.stats.Newest, time.Now()
		}
		c.run.Phases.Stopped = c.reason(stopped, time.Since(begin), time.Since(news))
	}
	c.run.Phases.Hold = time.Since(begin).Seconds()
	var err error
	if c.run.End, err = c.survey.mark(ctx, c.stats); err != nil {
		return err
	}
	c.run.Cost = c.meter.finish()
	return nil
}

// holdStep is the interval, or less where a wait must end on time.
func (c *conductor) holdStep() time.Duration {
	if c.o.hold > 0 && c.o.hold < 5*interval {
		return glance
	}
	return interval
}

// reason says why holding is over; empty if it is not.
func (c *conductor) reason(stopped bool, held, dry time.Duration) string {
	switch {
	case stopped:
		return stoppedByUser
	case c.broken != nil:
		return "a client process ended"
	case c.stats.Connected()+c.stats.Dialing+c.stats.Away == 0:
		return "nobody is connected any more, nor waits to come back"
	case c.o.ticks > 0 && c.run.Ticks.Count() >= c.o.ticks:
		return stoppedByTicks
	case c.o.hold > 0 && held >= c.o.hold && !c.misses(held-c.o.hold):
		return stoppedByTime
	case c.o.ticks > 0 && dry > drought:
		c.broken = fmt.Errorf("only %d of %d ticks came: none in the last %v; is the server's feed running, and is --seq-field right?",
			c.run.Ticks.Count(), c.o.ticks, drought)
		return stoppedByDry
	}
	return ""
}

// settle waits until everybody has the newest message, and books what is missing then.
func (c *conductor) settle(ctx context.Context) error {
	begin := time.Now()
	c.run.Ticks.Close(c.stats.Newest)
	c.fleet.settle(ctx, c.fleet.heads(ctx))
	for {
		if err := c.look(ctx, "settle"); err != nil {
			return err
		}
		if c.stats.Behind == 0 || time.Since(begin) > c.o.settle {
			break
		}
		if err := c.pause(ctx, glance); err != nil {
			return err
		}
	}
	c.fleet.judge(ctx)
	if err := c.look(ctx, "settle"); err != nil {
		return err
	}
	c.run.Phases.Settle = time.Since(begin).Seconds()
	c.run.Final = c.stats
	return nil
}

// leave says goodbye. What goes wrong here no longer matters to the report.
func (c *conductor) leave(ctx context.Context) {
	c.fleet.farewell(ctx)
	for deadline := time.Now().Add(leaveTime); time.Now().Before(deadline); {
		if c.pause(ctx, glance/4) != nil {
			return
		}
		if stats, err := c.fleet.stats(ctx); err != nil || stats.Connected() == 0 {
			return
		}
	}
}

// describe fills in what the report says about the run itself.
func (c *conductor) describe() {
	r, p := &c.run, c.plan
	r.Notes, r.Told = append(r.Notes, c.walls.told...), c.walls.told
	r.Environment = report.Environment{
		Machine: sample.ReadMachine(), Go: runtime.Version(), Version: version, Command: sample.Redact(c.o.command),
		Nofile: p.nofile, PortRange: p.ports, Scheduler: "SCHED_BATCH",
		System: sample.ReadSystem("/"), Programs: c.survey.programs,
	}
	r.Plan = report.Plan{
		Requested: p.asked, Planned: p.conns, Limit: p.limit, Processes: len(p.parts), Policy: policyName(c.o.client.Policy),
		Rate: c.o.client.Rate, Slow: c.o.client.Slow, Churn: c.o.client.Churn,
		AwayClients: c.o.client.Absence.Clients, Away: c.o.client.Absence.For.Seconds(),
	}
	if names, err := c.o.client.Names(); err == nil && len(names) > 0 {
		r.Plan.Topics, r.Plan.PerClient = len(names), c.o.client.PerClient
	}
	for _, t := range c.o.client.Targets {
		r.Plan.Targets = append(r.Plan.Targets, sample.RedactURL(t.URL))
	}
	r.PIDs = c.survey.serverPIDs()
	r.Loops = len(p.parts) * p.parts[0].Loops
	if c.survey.page != "" && (r.Full.Pages == nil || r.End.Pages == nil) {
		r.Notes = append(r.Notes, "the page of metrics could not be read at all times; its part of the report is missing")
	}
	if errors.Is(c.broken, context.Canceled) {
		c.broken = nil
	}
}

func policyName(p load.Policy) string {
	if p == load.All {
		return "all"
	}
	return "latest"
}
