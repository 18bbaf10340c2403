package main

import (
	"fmt"

	"tickgate/internal/auth"
	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/metrics"
	"tickgate/internal/publish"
	"tickgate/internal/session"
)

// newRelay returns what takes the messages of this process's clients to the bus; nil if none may publish.
func newRelay(cfg *config.Config, b *bus.Bus) *publish.Relay {
	if len(cfg.Access.OpenPublish) == 0 && len(cfg.Access.Keys) == 0 {
		return nil
	}
	return publish.NewRelay(publish.RelayConfig{Publisher: stream{b}, MaxMessage: int(cfg.Topics.MaxMessage)})
}

// publishing returns who may publish over a session: with tokens it is they that say so, and the rules of topics restrict all.
func (n *node) publishing(cfg *config.Config) (p session.Publishing, err error) {
	if n.relay == nil {
		return p, nil
	}
	p.Publisher, p.Rules = n.relay, n.mayPublish
	if p.Anonymous, err = auth.NewPermissions(nil, cfg.Access.OpenPublish); err != nil {
		return p, fmt.Errorf("--open-publish: %w", err)
	}
	return p, nil
}

// mayPublish reports whether the rules of topics, as they are now, let clients with or without a token publish to a topic.
func (n *node) mayPublish(topic string, token bool) bool {
	who := config.PublishAnonymous
	if token {
		who = config.PublishTokens
	}
	return n.topics.Load().MayPublish(topic, who)
}

// stream is the bus as publishers see it.
type stream struct{ *bus.Bus }

// PublishAsync implements publish.Publisher.
func (s stream) PublishAsync(m bus.Msg) (publish.Pending, error) {
	pending, err := s.Bus.PublishAsync(m)
	if err != nil {
		return nil, err // and not a nil pointer in an interface, which is not nil
	}
	return pending, nil
}

// measureRelay adds what clients have published to m.
func (n *node) measureRelay(m *metrics.Snapshot) {
	if n.relay != nil {
		addPublished(m.Bus, n.relay.Stats())
	}
}
