package main

import (
	"slices"
	"strings"

	"tickgate/internal/admin"
	"tickgate/internal/hub"
	"tickgate/internal/metrics"
)

// inspector is a process's node as the private listener's /v1/topics and /v1/connections show it.
type inspector struct{ source *source }

// Topics implements admin.Inspector.
func (i inspector) Topics(prefix string, limit int) []admin.Topic {
	n := i.source.node.Load()
	if n == nil {
		return nil
	}
	var found []*hub.Topic
	n.hub.Each(func(t *hub.Topic) bool {
		if strings.HasPrefix(t.Name(), prefix) {
			found = append(found, t)
		}
		return true
	})
	slices.SortFunc(found, func(a, b *hub.Topic) int { return strings.Compare(a.Name(), b.Name()) })
	topics := make([]admin.Topic, min(limit, len(found)))
	for j := range topics {
		topics[j] = inspectTopic(found[j])
	}
	return topics
}

func inspectTopic(t *hub.Topic) admin.Topic {
	page := admin.Topic{Topic: t.Name(), Policy: t.Policy().String(), Subscribers: t.Subscribers(), Conflated: t.Conflated()}
	oldest, head := t.Oldest(), t.Head()
	page.Messages = head + 1 - min(oldest, head+1)
	if m := t.At(oldest); m != nil {
		page.Oldest = m.ID()
	}
	if m := t.At(head); m != nil {
		page.Newest = m.ID()
	}
	return page
}

// Connections implements admin.Inspector.
func (i inspector) Connections() (list []admin.Connections) {
	n := i.source.node.Load()
	if n == nil {
		return nil
	}
	var m metrics.Snapshot
	n.measure(&m)
	if m.Clients == nil {
		return nil
	}
	for _, c := range m.Clients.Connections {
		if c.N > 0 {
			list = append(list, admin.Connections{Transport: c.Transport, State: c.State, Connections: c.N})
		}
	}
	slices.SortFunc(list, func(a, b admin.Connections) int {
		return strings.Compare(a.Transport+" "+a.State, b.Transport+" "+b.State)
	})
	return list
}
