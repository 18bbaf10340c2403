package main

import (
	"sync"
	"sync/atomic"
	"time"

	"tickgate/internal/admin"
	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/metrics"
	"tickgate/internal/prefork"
	"tickgate/internal/session"
)

// snapshotPatience bounds how long a scrape waits for a busy loop. A loop with work answers between two slices, that is
// within milliseconds.
const snapshotPatience = time.Second

// source gathers a process's numbers at scrape time. Its parts appear as the process starts; a scrape sees those that
// are there.
type source struct {
	gateway *gateway // nil in a worker
	node    atomic.Pointer[node]
	workers atomic.Pointer[prefork.Supervisor]
}

func newSource(g *gateway) *source { return &source{gateway: g} }

// newProcess returns what a process shows of itself.
func newProcess(cfg metrics.Config) (admin.Process, error) {
	registry, err := metrics.New(cfg)
	if err != nil {
		return admin.Process{}, err
	}
	return admin.Process{Metrics: registry}, nil
}

// processes returns the worker processes.
func (s *source) processes() (workers []admin.Worker) {
	if sup := s.workers.Load(); sup != nil {
		for _, w := range sup.Workers() {
			workers = append(workers, remote{w})
		}
	}
	return workers
}

// snapshot is metrics.Config.Source.
func (s *source) snapshot() (m metrics.Snapshot) {
	if n := s.node.Load(); n != nil {
		n.measure(&m)
	}
	if s.gateway != nil {
		s.gateway.measure(&m)
	}
	if sup := s.workers.Load(); sup != nil {
		for _, w := range sup.Workers() {
			m.Workers = append(m.Workers, metrics.Worker{Name: remote{w}.Name(), Restarts: uint64(w.Status().Restarts)})
		}
	}
	return m
}

// measure adds the node's numbers to m.
func (n *node) measure(m *metrics.Snapshot) {
	n.plan.tokens.measure(m)
	m.Bus = &metrics.Bus{Up: n.bus.Ready() == nil, Received: n.received.Load()}
	if n.model != nil {
		n.measureModel(m)
		return
	}
	n.measureRelay(m)
	snapshots := make([]session.Snapshot, len(n.loops))
	answered := make([]bool, len(n.loops))
	var asked sync.WaitGroup
	for i, l := range n.loops {
		asked.Go(func() { snapshots[i], answered[i] = l.Snapshot(snapshotPatience) })
	}
	asked.Wait()
	t := newTotals(n)
	for i := range snapshots {
		t.add(&snapshots[i], !answered[i])
	}
	if n.plan.addresses != nil {
		t.clients.Uncounted = n.plan.addresses.Uncounted()
	}
	t.store(m)
}

// totals sums the snapshots of a process's loops.
type totals struct {
	clients     metrics.Clients
	fanout      metrics.Fanout
	loops       []metrics.Loop
	connections map[[2]string]int
	refusals    map[string]uint64
	handshakes  map[string]uint64
	closes      map[string]uint64
	pauses      map[string]uint64
	commands    map[string]uint64
	faults      map[string]uint64
}

func newTotals(n *node) *totals {
	hubStats := n.hub.Stats()
	t := &totals{
		fanout: metrics.Fanout{
			Skipped: []metrics.Count{{Label: hub.Latest.String(), N: hubStats.Behind}}, Paced: hubStats.Paced,
			Topics: hubStats.Topics, TopicBytes: hubStats.Bytes, Evicted: hubStats.Evicted, Conflated: counts(hubStats.Conflated), Messages: hubStats.Published, LagMessages: hubStats.MaxLag, Lag: hubStats.MaxLagTime,
		},
		connections: map[[2]string]int{}, handshakes: map[string]uint64{}, closes: map[string]uint64{}, commands: map[string]uint64{}, faults: map[string]uint64{},
		// A counter that appears with its first event hides that event from rate() and increase().
		refusals: map[string]uint64{epoll.RefusedMaxConns.String(): 0, epoll.RefusedNoFile.String(): 0},
		pauses:   map[string]uint64{"exhausted": 0, "handshake_backlog": 0},
	}
	session.EachReason(func(label string) { t.closes[label] = 0 })
	return t
}

func (t *totals) add(s *session.Snapshot, stuck bool) {
	s.EachSession(func(transport session.Transport, phase session.Phase, n int) {
		t.connections[[2]string{transport.String(), phase.String()}] += n
	})
	s.EachHandshake(func(transport session.Transport, n uint64) { t.handshakes[transport.String()] += n })
	sum(t.refusals, s.Refused)
	sum(t.closes, s.Closed)
	s.EachCommand(func(kind envelope.Kind, n uint64) { t.commands[kind.String()] += n })
	sum(t.faults, s.CommandErrors)
	t.pauses["exhausted"] += s.Loop.AcceptPauses
	t.pauses["handshake_backlog"] += s.BacklogPauses
	t.clients.Accepts += s.Loop.Accepted
	t.clients.BadForwarded += s.BadForwarded
	t.fanout.Subscriptions += s.Fanout.Subscriptions
	t.fanout.Behind += s.Fanout.Behind
	t.fanout.Deliveries += s.Fanout.Delivered
	t.fanout.Overruns += s.Fanout.Overruns
	t.fanout.Overtaken += s.Fanout.Overtaken
	t.fanout.Duration.Add(histogram(s.Fanout.Duration))
	t.loops = append(t.loops, metrics.Loop{
		Stuck: stuck, Busy: s.Loop.Busy, BytesIn: s.Loop.BytesIn, BytesOut: s.Loop.BytesOut,
		PartialSends: s.Loop.Partial, BlockedSends: s.Loop.Blocked,
		Connections: s.Loop.Conns, BlockedConns: s.Loop.BlockedConns, UnsentBytes: s.Loop.UnsentBytes,
	})
}

func (t *totals) store(m *metrics.Snapshot) {
	for key, n := range t.connections {
		t.clients.Connections = append(t.clients.Connections, metrics.Connections{Transport: key[0], State: key[1], N: n})
	}
	t.clients.Refusals, t.clients.Handshakes = counts(t.refusals), counts(t.handshakes)
	t.clients.Closes, t.clients.AcceptPauses = counts(t.closes), counts(t.pauses)
	t.clients.Commands, t.clients.CommandErrors = counts(t.commands), counts(t.faults)
	m.Clients, m.Fanout, m.Loops = &t.clients, &t.fanout, t.loops
}

func sum(into, from map[string]uint64) {
	for k, n := range from {
		into[k] += n
	}
}

func histogram(h hub.Histogram) metrics.Histogram {
	bounds := h.Bounds()
	return metrics.Histogram{Bounds: bounds[:], Counts: h.Buckets[:], Sum: h.Sum}
}

func counts(m map[string]uint64) (list []metrics.Count) {
	for label, n := range m {
		list = append(list, metrics.Count{Label: label, N: n})
	}
	return list
}
