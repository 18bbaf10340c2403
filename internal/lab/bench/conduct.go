package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tickgate/internal/lab"
)

const (
	// glance is how often the gateway is asked while something is waited for.
	glance = 100 * time.Millisecond
	// stalled is after how long without another connection those that are missing are taken not to come.
	stalled = 5 * time.Second
)

// conduct takes the run through its phases: start, ramp, warm-up, window, end.
func (t *trial) conduct(ctx context.Context) error {
	t.record.Lab = map[string]float64{}
	if err := t.startGateway(ctx); err != nil {
		return err
	}
	meter, err := newMeter(t)
	if err != nil {
		return err
	}
	if t.job.Experiment.Window == lab.Whole {
		if err := meter.begin(ctx); err != nil {
			return err
		}
	}
	if err := t.startSwarm(); err != nil {
		return err
	}
	if err := t.ramp(ctx); err != nil {
		return err
	}
	if t.job.Experiment.Window == lab.Hold {
		if err := t.wait(ctx, time.Duration(t.job.Experiment.Design.Warmup)); err != nil {
			return err
		}
		if err := meter.begin(ctx); err != nil {
			return err
		}
	}
	if err := t.window(ctx); err != nil {
		return err
	}
	if err := meter.end(ctx); err != nil {
		return err
	}
	return t.collect(ctx)
}

// ramp waits until all clients are connected, or no more come. Clients that leave and come back a second later (--churn) need not be there.
func (t *trial) ramp(ctx context.Context) error {
	begin := time.Now()
	want := t.setup.Swarm.Int("conns") - t.setup.Swarm.Int("churn")
	most, news := 0, begin
	for {
		open, err := t.admin.connections(ctx)
		if err != nil {
			return err
		}
		if open > most {
			most, news = open, time.Now()
		}
		if open >= want || time.Since(news) > stalled {
			t.record.Lab["connected"] = float64(open)
			t.record.Lab["ramp_seconds"] = time.Since(begin).Seconds()
			break
		}
		if err := t.wait(ctx, glance); err != nil {
			return err
		}
	}
	if missing := want - most; missing > 0 {
		t.record.Notes = append(t.record.Notes, fmt.Sprintf("%d of %d clients were connected when the ramp ended", most, want))
	}
	return nil
}

// window lets the time of measuring pass.
func (t *trial) window(ctx context.Context) error {
	if t.job.Experiment.Cut == nil {
		return t.wait(ctx, time.Duration(t.job.Experiment.Design.Measure))
	}
	if err := t.network.client.Silence(); err != nil {
		return err
	}
	return t.forget(ctx, time.Duration(t.job.Experiment.Cut.Limit))
}

// forget waits until the gateway has noticed that all its clients vanished.
func (t *trial) forget(ctx context.Context, limit time.Duration) error {
	begin := time.Now()
	for {
		open, err := t.admin.connections(ctx)
		if err != nil {
			return err
		}
		if open == 0 || time.Since(begin) >= limit {
			t.record.Lab["forget_seconds"] = min(time.Since(begin), limit).Seconds()
			t.record.Lab["remembered"] = float64(open)
			return nil
		}
		if err := t.wait(ctx, glance); err != nil {
			return err
		}
	}
}

// wait lets time pass. It is an error if one of the programs ends meanwhile, or ctx does.
func (t *trial) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.gateway.done:
		return t.gateway.ended()
	case <-t.swarm.ending():
		return t.swarm.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect waits for the swarm's report.
func (t *trial) collect(ctx context.Context) error {
	t.swarm.interrupt() // so that what it measured ends with the window
	select {
	case <-t.swarm.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for the swarm's report: %w", ctx.Err())
	}
	report := t.swarm.output()
	if !json.Valid(report) || len(report) == 0 {
		return errors.Join(errors.New("the swarm wrote no report"), t.swarm.ended())
	}
	t.record.Swarm = report
	if t.swarm.err != nil {
		t.record.Notes = append(t.record.Notes, t.swarm.ended().Error())
	}
	var remarks struct{ Notes []string }
	if json.Unmarshal(report, &remarks) == nil {
		for _, note := range remarks.Notes {
			t.record.Notes = append(t.record.Notes, "swarm: "+note)
		}
	}
	return nil
}
