package session

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// reply is what an envelope client hears.
type reply struct {
	T     string
	Ref   int
	ID    string
	Topic string
	Data  json.RawMessage
}

func (c *client) reply() (r reply) {
	c.t.Helper()
	op, text := c.message()
	if err := json.Unmarshal([]byte(text), &r); err != nil || op != ws.OpText {
		c.t.Fatalf("got %v %q: %v, want JSON in a text frame", op, text, err)
	}
	return r
}

// seq returns the sequence of a message.
func (r *reply) seq(t *testing.T) (seq int) {
	t.Helper()
	if _, err := fmt.Sscanf(r.ID, "e-%d", &seq); err != nil {
		t.Fatalf("got id %q, want e-<sequence>", r.ID)
	}
	return seq
}

// A client that subscribes and unsubscribes while messages are published, each time from the last id that it has, gets every
// message of the topic once and in order, and another topic of the connection is not disturbed.
func TestSubscribingAtRunTimeIsExactlyOnce(t *testing.T) {
	const messages = 4000 // in turns to both topics
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All, RingSize: messages})
	c := g.envelope("/ws?topic=steady")
	g.subscribed(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; n <= messages; n++ {
			topic := "steady"
			if n%2 == 0 {
				topic = "moving"
			}
			g.send(hub.Publication{Topic: topic, Payload: []byte(fmt.Sprint(n))})
		}
	}()
	defer await(t, done, "the publisher's end")
	steady, moving := -1, 0 // the last sequences
	subscribed := false
	toggle := func(ref int) {
		if subscribed {
			c.command(fmt.Sprintf(`{"t":"unsub","ref":%d,"topics":["moving"]}`, ref))
		} else {
			c.command(fmt.Sprintf(`{"t":"sub","ref":%d,"topics":["moving"],"since":"e-%d"}`, ref, moving))
		}
	}
	toggle(1)
	for ref, since := 1, 0; steady < messages-1 || moving < messages; {
		switch r := c.reply(); {
		case r.T == "ok" && r.Ref == ref:
			subscribed, since = !subscribed, 0
			if !subscribed && moving < messages {
				ref++
				toggle(ref)
			}
		case r.T == "msg" && r.Topic == "steady":
			if got := r.seq(t); got != steady+2 {
				t.Fatalf("steady: got message %d after %d", got, steady)
			}
			steady += 2
		case r.T == "msg" && subscribed:
			if got := r.seq(t); got != moving+2 {
				t.Fatalf("moving: got message %d after %d", got, moving)
			}
			moving += 2
			if since++; since == 37 && moving < messages {
				ref++
				toggle(ref)
			}
		default:
			t.Fatalf("got %+v in subscription %d (%t)", r, ref, subscribed)
		}
	}
}

// The id in the answer to a sub is good for resuming when nothing came behind it.
func TestResumingFromTheAnswer(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All})
	g.publish("1")
	c := g.envelope("/ws")
	c.command(`{"t":"sub","ref":1,"topics":["ticks","later"]}`)
	id := c.reply().ID
	_ = c.Close()
	g.subscribed(0)
	g.publish("2")
	g.send(hub.Publication{Topic: "later", Payload: []byte("3")})
	again := g.envelope("/ws")
	again.does(`{"t":"sub","ref":1,"topics":["ticks","later"],"since":"`+id+`"}`,
		`{"t":"ok","ref":1,"topics":2}`, msg("ticks", 2, "2"), msg("later", 3, "3"))
}

// roamer is a client that subscribes and unsubscribes at random, each topic from where it left it.
type roamer struct {
	*client
	random  *rand.Rand
	last    [roamTopics]int  // the newest message of each topic that it has
	on      [roamTopics]bool // as the gateway has said
	waiting int              // the topic whose command is not answered yet, -1 for none
	ref     int
}

const (
	roamTopics   = 5
	roamMessages = 3000
)

// next reads one answer or message. Message n is of topic n modulo the number of topics.
func (r *roamer) next(t *testing.T) {
	t.Helper()
	switch m := r.reply(); {
	case m.T == "ok" && m.Ref == r.ref && r.waiting >= 0:
		r.on[r.waiting], r.waiting = !r.on[r.waiting], -1
	case m.T == "msg":
		n := m.seq(t)
		topic := n % roamTopics
		want := r.last[topic] + roamTopics
		if r.last[topic] == 0 {
			want = (topic+roamTopics-1)%roamTopics + 1 // the first one
		}
		if n != want || m.Topic != fmt.Sprint("t", topic) || !r.on[topic] {
			t.Fatalf("got message %d of %s (subscribed %t), want %d", n, m.Topic, r.on[topic], want)
		}
		r.last[topic] = n
	default:
		t.Fatalf("got %+v", m)
	}
}

// roam sends a command for a random topic, unless one is unanswered.
func (r *roamer) roam() {
	if r.waiting >= 0 {
		return
	}
	r.ref++
	r.waiting = r.random.IntN(roamTopics)
	if r.on[r.waiting] {
		r.command(fmt.Sprintf(`{"t":"unsub","ref":%d,"topics":["t%d"]}`, r.ref, r.waiting))
	} else {
		r.command(fmt.Sprintf(`{"t":"sub","ref":%d,"topics":["t%d"],"since":"e-%d"}`, r.ref, r.waiting, r.last[r.waiting]))
	}
}

// settle subscribes to the rest of the topics, one after the other, and reads to the end.
func (r *roamer) settle(t *testing.T) {
	t.Helper()
	for topic := 0; topic < roamTopics; {
		switch {
		case r.waiting >= 0:
			r.next(t)
		case r.on[topic]:
			topic++
		default:
			r.roam()
		}
	}
	for topic := range roamTopics {
		for r.last[topic] <= roamMessages-roamTopics {
			r.next(t)
		}
	}
}

// Clients that subscribe and unsubscribe at random while others do, and while messages are published, get every message of
// every topic once and in order.
func TestRoamingClientsMissNothing(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All, RingSize: roamMessages})
	var all []*roamer
	for i := range 4 {
		all = append(all, &roamer{client: g.envelope("/ws"), random: rand.New(rand.NewPCG(1, uint64(i))), waiting: -1})
	}
	for n := 1; n <= roamMessages; n++ {
		g.send(hub.Publication{Topic: fmt.Sprint("t", n%roamTopics), Payload: []byte(fmt.Sprint(n))})
		if n%7 != 0 {
			continue
		}
		r := all[n/7%len(all)]
		r.roam()
		for r.waiting >= 0 {
			r.next(t)
		}
	}
	for _, r := range all {
		r.settle(t)
	}
}
