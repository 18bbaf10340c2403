package session

import (
	"fmt"
	"strings"
	"sync"

	"tickgate/internal/auth"
	"tickgate/internal/envelope"
	"tickgate/internal/hub"
)

// store is a Publisher that publishes to the hub of a gateway, in order and on a goroutine of its own.
type store struct {
	queue chan stored
	full  bool // it takes nothing; set before use

	mu  sync.Mutex
	hub *hub.Hub          // guarded by mu; nil until attach
	seq uint64            // guarded by mu
	ids map[string]uint64 // guarded by mu: sequences by message id
}

type stored struct {
	p    envelope.Publication
	done func(envelope.Stored, *envelope.Error)
}

// publishing returns a config whose clients may publish to topics below chat, and the store that takes their messages. With
// hold it takes them only once that is closed.
func publishing(t interface{ Cleanup(func()) }, hold <-chan struct{}) (Publishing, *store) {
	s := &store{queue: make(chan stored, 1000), ids: map[string]uint64{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if hold != nil {
			<-hold
		}
		for m := range s.queue {
			m.done(s.put(m.p))
		}
	}()
	t.Cleanup(func() { close(s.queue); <-ended })
	granted, err := auth.NewPermissions(nil, []string{"chat.>"})
	if err != nil {
		panic(err)
	}
	return Publishing{Publisher: s, Anonymous: granted}, s
}

// attach tells where the messages go.
func (s *store) attach(g *gateway) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hub, s.seq = g.hub, g.seq
}

func (s *store) put(p envelope.Publication) (envelope.Stored, *envelope.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Topic == "chat.broken" {
		return envelope.Stored{}, &envelope.Error{Code: "unavailable", Message: "the stream did not answer"}
	}
	if seq, ok := s.ids[p.MsgID]; ok && p.MsgID != "" {
		return envelope.Stored{ID: fmt.Sprint("e-", seq), Duplicate: true}, nil
	}
	s.seq++
	s.ids[p.MsgID] = s.seq
	s.hub.Publish(hub.Publication{Seq: s.seq, Topic: p.Topic, Payload: p.Payload, Event: p.Event})
	return envelope.Stored{ID: fmt.Sprint("e-", s.seq)}, nil
}

func (s *store) Check(p *envelope.Publication) *envelope.Error {
	if strings.Contains(p.Topic, "..") {
		return &envelope.Error{Code: "bad_topic", Message: "it has an empty token"}
	}
	return nil
}

func (s *store) Publish(p envelope.Publication, done func(envelope.Stored, *envelope.Error)) bool {
	if s.full {
		return false
	}
	s.queue <- stored{p, done}
	return true
}
