package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"tickgate/internal/load"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

// survey reads what server, kernel and swarm cost. Not safe for concurrent use.
type survey struct {
	self   *sample.Processes
	server *sample.Processes // nil if its processes are unknown
	page   string            // URL; empty: none

	programs []sample.Program // the server's at the start; it need not be there at the end
}

// newSurvey finds the processes to sample.
func newSurvey(ctx context.Context, o *options) (*survey, error) {
	s := &survey{page: o.admin}
	me := os.Getpid()
	find := serverFinder(o, me)
	pids, err := find()
	if err != nil {
		return nil, err
	}
	if len(pids) > 0 {
		if s.server, err = sample.NewProcesses(find, []int{me}); err != nil {
			return nil, fmt.Errorf("%w; correct --pid", err)
		}
		s.programs = sample.Programs(s.server.PIDs())
	}
	if s.self, err = sample.NewProcesses(sample.Fixed(me), pids); err != nil {
		return nil, err
	}
	if s.page != "" {
		if _, err := sample.Scrape(ctx, s.page); err != nil {
			return nil, fmt.Errorf("%w; correct --admin", err)
		}
	}
	return s, nil
}

// serverFinder finds the processes given, or those that listen where a loopback target is.
func serverFinder(o *options, me int) func() ([]int, error) {
	if !o.autoPIDs {
		return sample.Fixed(o.pids...)
	}
	var ports []uint16
	for _, t := range o.client.Targets {
		if t.Addr.Addr().IsLoopback() {
			ports = append(ports, t.Addr.Port())
		}
	}
	return func() ([]int, error) {
		pids, err := sample.Listeners(ports...)
		pids = sample.Family(pids)
		return slices.DeleteFunc(pids, func(pid int) bool { return pid == me }), err
	}
}

// mark reads everything, which takes some milliseconds.
func (s *survey) mark(ctx context.Context, stats *load.Stats) (report.Mark, error) {
	m := report.Mark{At: time.Now(), Swarm: stats, Kernel: sample.ReadKernel()}
	if err := s.self.Refresh(); err != nil {
		return m, err
	}
	m.Self = s.self.Detail()
	if s.server != nil {
		if err := s.server.Refresh(); err != nil {
			return m, err
		}
		m.Server = s.server.Detail()
	}
	if s.page != "" {
		// A page that cannot be read is missing in the report; it does not end the run.
		m.Pages, _ = sample.Scrape(ctx, s.page)
	}
	return m, nil
}

// restart reads once more what the measuring itself has used up since mark began: to find the server's processes among a
// hundred thousand descriptors takes up to a second of processor time, which must not count as a price of the clients.
func (s *survey) restart(m *report.Mark, stats *load.Stats) {
	m.Swarm, m.Self = stats, s.self.Detail()
	if s.server != nil {
		m.Server = s.server.Detail()
	}
}

// reading reads what is cheap.
func (s *survey) reading(stats *load.Stats) report.Reading {
	r := report.Reading{At: time.Now(), Swarm: stats, SelfCPU: s.self.Usage().CPU()}
	if s.server != nil {
		u := s.server.Usage()
		r.ServerCPU, r.ServerRSS = u.CPU(), u.RSS
	}
	return r
}

// serverPIDs returns the processes that are sampled.
func (s *survey) serverPIDs() []int {
	if s.server == nil {
		return nil
	}
	return s.server.PIDs()
}
