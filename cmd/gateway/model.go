package main

import (
	"fmt"

	"tickgate/internal/config"
	"tickgate/internal/hub"
	"tickgate/internal/iomodel"
	"tickgate/internal/metrics"
)

// addModel makes the node serve clients with another I/O model than its own loops.
func (n *node) addModel(cfg *config.Config, addr string) (err error) {
	n.model, err = iomodel.New(string(cfg.Server.IO), iomodel.Config{
		Hub: n.hub, DefaultTopic: cfg.Topics.Default, MaxConns: n.plan.maxConns, Loops: n.plan.loops,
		HeaderBytes:   int(cfg.Clients.HeaderBytes),
		HeaderTimeout: cfg.Clients.HeaderTimeout,
		MaxInbound:    int(cfg.Clients.MaxInbound),
		Heartbeat:     cfg.Clients.Heartbeat,
		WriteTimeout:  cfg.Clients.WriteTimeout,
		SndBuf:        int(cfg.Sockets.SndBuf),
		NotSentLowat:  int(cfg.Sockets.NotsentLowat),
		UserTimeout:   cfg.Sockets.UserTimeout,
	})
	if err != nil {
		return err
	}
	return n.model.Listen(addr)
}

// runModel serves until the model is stopped.
func (n *node) runModel() {
	if err := n.model.Run(); err != nil {
		n.failed <- fmt.Errorf("I/O model: %w", err)
	}
}

// measureModel adds the model's numbers to m. What it does not count stays zero; all its connections are one loop's.
func (n *node) measureModel(m *metrics.Snapshot) {
	s, stats := n.model.Snapshot(), n.hub.Stats()
	m.Clients = &metrics.Clients{
		Accepts:  s.Accepts,
		Refusals: counts(s.Refusals), Handshakes: counts(s.Handshakes), Closes: counts(s.Closes),
	}
	m.Fanout = &metrics.Fanout{
		Topics: stats.Topics, Messages: stats.Published, Deliveries: s.Deliveries,
		Skipped:  []metrics.Count{{Label: hub.Latest.String(), N: s.Skipped}},
		Duration: histogram(hub.Histogram{}),
	}
	loop := metrics.Loop{BytesIn: s.BytesIn, BytesOut: s.BytesOut}
	for _, c := range s.Connections {
		m.Clients.Connections = append(m.Clients.Connections, metrics.Connections(c))
		loop.Connections += c.N
		if c.State == "open" {
			m.Fanout.Subscriptions += c.N
		}
	}
	m.Loops = []metrics.Loop{loop}
}
