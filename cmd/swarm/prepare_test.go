package main

import (
	"net/netip"
	"runtime"
	"testing"

	"tickgate/internal/limits"
	"tickgate/internal/load"
)

func TestDivide(t *testing.T) {
	o := &options{client: load.Config{
		Rate: 900, Churn: 3, Slow: 2, Targets: []load.Target{{Addr: netip.MustParseAddrPort("127.0.0.1:80")}},
	}}
	parts := divide(o, 10001, 3)
	next := 0
	for _, p := range parts {
		if p.First != next || p.Total != 10001 || p.Slow != 2 || p.Rate != 300 || p.Churn != 1 || p.Loops < 1 {
			t.Errorf("got %+v, want it to begin with client %d", p, next)
		}
		if len(p.Sources) != 3 {
			t.Errorf("got sources %v, want 3 for 10,001 clients", p.Sources)
		}
		next = p.First + p.Count
	}
	if next != 10001 || parts[0].Sources[0] == parts[1].Sources[0] {
		t.Errorf("got %d clients and sources %v, %v", next, parts[0].Sources, parts[1].Sources)
	}
	if parts := divide(o, 2, 5); len(parts) != 2 {
		t.Errorf("got %d processes for 2 clients, want 2", len(parts))
	}
}

func TestFitted(t *testing.T) {
	snapshot := func() *limits.Snapshot {
		s, err := limits.Read("/")
		if err != nil {
			t.Fatal(err)
		}
		s.Files.Soft, s.Files.Hard, s.Files.NrOpen = 20000, 20000, 1<<20
		s.TCP.PortLow, s.TCP.PortHigh = 32768, 60999
		return s
	}
	tests := []struct {
		name, target string
		conns        int
		sources      int
		want         int
		clients      int
		why          bool
	}{
		{"fits", "127.0.0.1:80", 1000, 0, 1000, 1, false},
		{"several processes", "127.0.0.1:80", 30000, 0, 30000, 2, false},
		{"ports of one source", "192.0.2.1:80", 30000, 0, 28232, 2, true},
		{"ports of two", "192.0.2.1:80", 30000, 2, 30000, 2, false},
		{"one ::1", "[::1]:80", 30000, 0, 28232, 2, true},
	}
	for _, tt := range tests {
		o := &options{conns: tt.conns, client: load.Config{
			Targets: []load.Target{{Addr: netip.MustParseAddrPort(tt.target)}}, Sources: make([]netip.Addr, tt.sources),
		}}
		fit := fitted(snapshot(), o)
		if fit.Conns != tt.want || fit.Clients != tt.clients || (fit.WhyFewer() != "") != tt.why {
			t.Errorf("%s: got %d in %d processes, %q; want %d in %d", tt.name, fit.Conns, fit.Clients, fit.WhyFewer(), tt.want, tt.clients)
		}
	}
}

func TestLoopsFollowClientsAndProcessors(t *testing.T) {
	for _, tt := range []struct{ loops, conns, processes, most int }{
		{0, 15_000, 1, 1},  // one loop is enough for them
		{0, 100_000, 6, 1}, // for each process
		{0, 100_000, 1, 5}, // or fewer, with fewer processors
		{3, 10, 1, 3},      // what the user wants
	} {
		o := &options{loops: tt.loops, client: load.Config{Rate: 1000, Targets: []load.Target{{Addr: netip.MustParseAddrPort("127.0.0.1:80")}}}}
		if got := divide(o, tt.conns, tt.processes)[0].Loops; got < 1 || got > tt.most || tt.loops > 0 && got != tt.loops {
			t.Errorf("%d clients in %d processes: got %d loops, want 1 to %d", tt.conns, tt.processes, got, tt.most)
		}
	}
	storm := &options{client: load.Config{Targets: []load.Target{{Addr: netip.MustParseAddrPort("127.0.0.1:80")}}}}
	if got := divide(storm, 10, 1)[0].Loops; got != runtime.NumCPU() {
		t.Errorf("a storm: got %d loops, want one for each of %d processors", got, runtime.NumCPU())
	}
}
