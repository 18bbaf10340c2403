package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tickgate/internal/wire"
)

func TestTopicNames(t *testing.T) {
	for _, tt := range []struct {
		patterns string
		want     []string // or
		fault    string
	}{
		{"a,b.c", []string{"a", "b.c"}, ""},
		{"p.S{8..10}.x,q", []string{"p.S8.x", "p.S9.x", "p.S10.x", "q"}, ""},
		{"p.{3..3}", []string{"p.3"}, ""},
		{"p.{3..2}", nil, "not a range"},
		{"p.{0..}", nil, "not a range"},
		{"p.{0-9}", nil, "not a range"},
		{"p.{0..9", nil, "not a range"},
		{"p.{0..1}{0..1}", nil, "not a range"},
		{"p.{0..4000000}", nil, "more than"},
		{"p.*", nil, "name one topic"},
		{"", nil, "name one topic"},
	} {
		s := Subscription{Topics: strings.Split(tt.patterns, ","), PerClient: 1}
		got, err := s.Names()
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%q: got %q, %v, want %q, %q", tt.patterns, got, err, tt.want, tt.fault)
		}
	}
	s := Subscription{Topics: []string{"a", "b"}, PerClient: 3}
	if _, err := s.Names(); err == nil || !strings.Contains(err.Error(), "there are only 2") {
		t.Errorf("got %v, want it to say that there are only 2 topics", err)
	}
}

// All topics get as many clients, but for one; no client has one twice; and what of gives, place finds.
func TestTopicsAreDealtEvenly(t *testing.T) {
	for _, tt := range []struct{ clients, topics, each int }{
		{1000, 1, 1}, {1000, 100, 1}, {1000, 100, 2}, {997, 10, 3}, {50, 7, 7}, {100_000, 1000, 2}, {10, 1000, 2},
	} {
		table, err := newTopics(&Subscription{Topics: []string{fmt.Sprintf("S{1..%d}", tt.topics)}, PerClient: tt.each})
		if err != nil {
			t.Fatal(err)
		}
		counts, pairs := make([]int, tt.topics), map[[2]int]bool{}
		for i := range tt.clients {
			var own []int
			for k := range tt.each {
				topic := table.of(i, k)
				if got, ok := table.place(i, topic); !ok || got != k || slices.Contains(own, topic) {
					t.Fatalf("%+v: client %d has topic %d as its topic %d beside %v, and place says %d, %v", tt, i, topic, k, own, got, ok)
				}
				own = append(own, topic)
				counts[topic]++
			}
			if _, ok := table.place(i, (own[0]+1)%tt.topics); ok && tt.each == 1 && tt.topics > 1 {
				t.Fatalf("%+v: client %d is said to have the topic behind its only one", tt, i)
			}
			if tt.each == 2 {
				pairs[[2]int(own)] = true
			}
		}
		// A part has one topic more than another at most, and within a part the clients take turns.
		part := tt.topics / tt.each
		if least, most := slices.Min(counts), slices.Max(counts); least < tt.clients/(part+1) || most > (tt.clients+part-1)/part {
			t.Errorf("%+v: got %d to %d clients of a topic", tt, least, most)
		}
		if want := min(tt.clients, part*part); tt.each == 2 && len(pairs) < want {
			t.Errorf("%+v: got %d pairs of topics, want %d", tt, len(pairs), want)
		}
	}
}

func TestTopicsAreFoundByName(t *testing.T) {
	table, err := newTopics(&Subscription{Topics: []string{"price.A", "price.B", "news.A"}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"price.A": 0, "price.B": 1, "B": 1, "news.A": 2, "A": -1, "C": -1, "": -1} {
		got, ok := table.find([]byte(key))
		if ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("%q: got %d, %v, want %d", key, got, ok, want)
		}
	}
}

// quoteOf is a payload of a symbol.
func quoteOf(sym string, seq int) string {
	return fmt.Sprintf(`{"sym":%q,"seq":%d,"ts":%d}`, sym, seq, time.Now().UnixNano())
}

// Clients name their topics, and each topic's numbers are judged for themselves.
func TestTopicsAreJudgedApart(t *testing.T) {
	asked := make(chan []string, 4)
	s := newServer(t, func(p *peer) {
		topics := p.request.URL.Query()["topic"]
		asked <- topics
		id := 0
		send := func(k, seq int) {
			id++
			p.payload(quoteOf(strings.TrimPrefix(topics[k], "price."), seq), fmt.Sprintf("e-%d", id))
		}
		send(0, 7)
		send(1, 107)
		send(0, 8)
		send(1, 108)
		send(0, 10)  // 9 is missing
		send(1, 108) // again
		send(1, 110) // and 109 comes late
		send(1, 109)
		id = 2
		send(0, 11) // with an id lower than the one before
		p.payload(quoteOf("FOREIGN", 1), "e-100")
		p.payload(`{"seq":5}`, "e-101")
		p.stay()
	})
	for _, transport := range []Transport{WebSocket, SSE} {
		cfg := s.config(4, transport)
		cfg.Policy, cfg.Topics, cfg.PerClient, cfg.Loops = All, []string{"price.S{0..3}"}, 2, 2
		e := start(t, cfg)
		sum := e.awaitMessages(4 * 11).Sum()
		backward := int64(4)
		if transport == WebSocket {
			backward = 0 // raw messages have no ids
		}
		if sum.Lost != 4 || sum.Duplicates != 4 || sum.Reordered != 4 || sum.Strays != 4 || sum.Untracked != 4 || sum.Backward != backward {
			t.Errorf("%v: got %+v, want for each of 4 clients one lost, doubled, out of order, not asked for, without a topic", transport, sum)
		}
		for range 4 {
			if topics := <-asked; len(topics) != 2 || topics[0] == topics[1] {
				t.Errorf("%v: asked for %q, want two topics", transport, topics)
			}
		}
		heads, err := e.Heads(t.Context())
		if err != nil || len(heads) != 4 {
			t.Fatalf("got %d newest messages, %v, want one for each topic", len(heads), err)
		}
		for i, head := range heads {
			if want := []uint64{11, 11, 110, 110}[i]; head.Seq != want || int(head.Topic) != i {
				t.Errorf("%v: topic %d: got %+v as the newest, want %d", transport, i, head, want)
			}
		}
		heads[2].Seq, heads[2].Intended = 112, time.Now().UnixNano() // as if others had seen two more
		e.Settle(heads)
		if st := e.stats(); st.Behind != 2 {
			t.Errorf("%v: got %d behind, want the 2 clients of topic 2", transport, st.Behind)
		}
		e.Judge()
		if sum := e.stats().Sum(); sum.Lost != 4+2*2 {
			t.Errorf("%v: got %d lost, want 2 more for each client that is behind", transport, sum.Lost)
		}
	}
}

// Under latest, what a client skips in one topic is no loss, whatever comes in the other.
func TestTopicsConflate(t *testing.T) {
	s := newServer(t, func(p *peer) {
		p.payload(quoteOf("A", 1), "")
		p.payload(quoteOf("B", 1), "")
		p.payload(quoteOf("A", 5), "")
		p.payload(quoteOf("B", 2), "")
		p.stay()
	})
	cfg := s.config(1, WebSocket)
	cfg.Topics, cfg.PerClient = []string{"A", "B"}, 2
	if sum := start(t, cfg).awaitMessages(4).Sum(); sum.Conflated != 3 || sum.Lost+sum.Duplicates+sum.Reordered != 0 {
		t.Errorf("got %+v, want 3 conflated", sum)
	}
}

// Clients of tickgate.v1 subscribe with a command, resume with one, and are told of what is refused.
func TestTopicsByCommand(t *testing.T) {
	commands := make(chan string, 2)
	s := newServer(t, func(p *peer) {
		if q := p.request.URL.RawQuery; q != "" {
			t.Errorf("got query %q, want none", q)
		}
		part := p.read()
		commands <- string(part.Payload)
		p.payload(`{"t":"ok","ref":1,"topics":2,"id":"e-6"}`, "")
		if p.number == 0 {
			p.raw(wire.AppendCloseRetry(nil, wire.CloseRestart, time.Millisecond))
			return
		}
		p.payload(`{"t":"msg","topic":"x.A","id":"e-7","data":`+quoteOf("other", 7)+`}`, "")
		p.payload(`{"t":"msg","topic":"x.B","id":"e-8","data":`+quoteOf("other", 1)+`}`, "")
		p.payload(`{"t":"gap","topic":"x.A","requested":"e-7","oldest":"e-20"}`, "")
		p.payload(`{"t":"msg","topic":"x.A","id":"e-20","data":`+quoteOf("other", 20)+`}`, "")
		p.payload(`{"t":"msg","topic":"x.B","id":"e-21","data":`+quoteOf("other", 2)+`}`, "")
		p.payload(`{"t":"error","ref":1,"code":"busy","message":"later"}`, "")
		p.payload(`{"t":"msg","topic":"x.B","id":"e-22","data":`+quoteOf("other", 3)+`}`, "")
		p.stay()
	}, func(s *testServer) { s.protocol = wire.Subprotocol })
	cfg := s.config(1, WebSocket)
	cfg.Subprotocol, cfg.Policy = wire.Subprotocol, All
	cfg.Topics, cfg.PerClient, cfg.ByCommand = []string{"x.A", "x.B"}, 2, true
	st := start(t, cfg).awaitMessages(5)
	for _, want := range []string{
		`{"t":"sub","ref":1,"topics":["x.A","x.B"]}`,
		`{"t":"sub","ref":1,"topics":["x.A","x.B"],"since":"e-6"}`,
	} {
		if got := <-commands; got != want {
			t.Errorf("said %s, want %s", got, want)
		}
	}
	sum := st.Sum()
	if sum.Gaps != 1 || sum.Lost+sum.Duplicates+sum.Reordered+sum.Strays+sum.Untracked+sum.Backward != 0 {
		t.Errorf("got %+v, want 1 gap, behind which only that topic's view is new", sum)
	}
	if st.Faults.ByKind[Denied] != 1 || !strings.Contains(st.Faults.Examples[Denied], "busy") {
		t.Errorf("got %+v, want the server's error", st.Faults)
	}
}

// With more topics than Stats show, the ticks of some stand for all.
func TestTicksOfManyTopics(t *testing.T) {
	const topics = 10 * ShownTopics
	r := newTickRing(topics)
	for seq := range uint64(3) {
		for topic := range uint32(topics) {
			for range 2 {
				r.record(&sighting{stamp: stamp{topic: topic, seq: seq, due: 100 + int64(seq)}, now: 200}, unasked)
			}
		}
	}
	got := mergeTicks(r.since(0), r.since(0))
	if len(got) != 3*ShownTopics {
		t.Errorf("got %d ticks, want 3 of each of %d topics", len(got), ShownTopics)
	}
	for _, tick := range got {
		if tick.Count != 4 {
			t.Fatalf("got %+v, want 2 deliveries of each of two loops", tick)
		}
	}
}

func TestHeadsTravel(t *testing.T) {
	want := []Tick{{Seq: 7, Intended: 1e18, First: 1e18 + 5}, {Topic: 1}, {Topic: 2, Seq: 1 << 60, First: -1}}
	b := AppendHeads(nil, want)
	got, err := DecodeHeads(b)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for i := range b {
		if _, err := DecodeHeads(b[:i]); err == nil {
			t.Errorf("got no error for the first %d of %d bytes", i, len(b))
		}
	}
	MergeHeads(got, []Tick{{Seq: 6, Intended: 1e18}, {Topic: 1, Seq: 3, Intended: 1}, {Topic: 2, First: 9}})
	if got[0].Seq != 7 || got[1].Seq != 3 || got[2].Seq != 1<<60 {
		t.Errorf("got %+v, want the newer of each", got)
	}
}

func TestTopicsDoNotAllocate(t *testing.T) {
	l, c := hotLoop(t, WebSocket, func(cfg *Config) {
		cfg.Topics, cfg.PerClient, cfg.Count = []string{"price.S{0..9}"}, 2, 1
	})
	var messages [][]byte
	for i := range 1101 {
		messages = append(messages, wire.AppendFrame(nil, wire.OpText, []byte(quoteOf([]string{"S0", "S5"}[i%2], i/2))))
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { l.OnData(c, messages[i]); i++ }); n != 0 {
		t.Errorf("got %v allocations a message, want 0", n)
	}
	if sum := l.tallies[WebSocket]; sum.Messages != int64(i) || sum.Strays+sum.Lost+sum.Untracked != 0 {
		t.Errorf("got %+v, want %d messages and nothing else", sum, i)
	}
}

// Every message goes to two hundred clients, one after the other, each of two of a thousand topics.
func BenchmarkReceiveTopics(b *testing.B) {
	const topics, clients = 1000, 100_000
	l, _ := hotLoop(b, WebSocket, func(cfg *Config) {
		cfg.Topics, cfg.PerClient, cfg.Count = []string{fmt.Sprintf("price.S{0..%d}", topics-1)}, 2, clients
	})
	conns := make([]conn, clients)
	audience := make([][]*conn, topics)
	for i := range conns {
		*conns[i].State() = client{phase: open, mark: 1, index: uint32(i)}
		for k := range 2 {
			topic := l.topics.of(i, k)
			audience[topic] = append(audience[topic], &conns[i])
		}
	}
	b.ReportAllocs()
	var frame []byte
	topic, at, seq := 0, 0, 0
	for b.Loop() {
		if at == 0 {
			frame = wire.AppendFrame(frame[:0], wire.OpText, []byte(quoteOf(fmt.Sprintf("S%d", topic), seq)))
		}
		l.OnData(audience[topic][at], frame)
		if at++; at == len(audience[topic]) {
			at, topic = 0, (topic+1)%topics
			if topic == 0 {
				seq++
			}
		}
	}
}

// Beside clients of tickgate.v1, event streams tell their topics by the payload.
func TestTopicsOfBothTransports(t *testing.T) {
	s := newServer(t, func(p *peer) {
		for k, topic := range p.request.URL.Query()["topic"] {
			text, id := quoteOf(strings.TrimPrefix(topic, "x."), 1), fmt.Sprintf("e-%d", k+1)
			if p.transport == WebSocket {
				text = fmt.Sprintf(`{"t":"msg","topic":%q,"id":%q,"data":%s}`, topic, id, text)
			}
			p.payload(text, id)
		}
		p.stay()
	}, func(s *testServer) { s.protocol = wire.Subprotocol })
	cfg := s.config(400, WebSocket, SSE)
	cfg.Subprotocol, cfg.Topics, cfg.PerClient = wire.Subprotocol, []string{"x.S{0..9}"}, 2
	e := start(t, cfg)
	if sum := e.awaitMessages(800).Sum(); sum.Untracked+sum.Strays+sum.Backward != 0 {
		t.Errorf("got %+v, want all messages of topics that were asked for", sum)
	}
	var counts [Transports][10]int
	d := newDeal(&cfg)
	for i := range cfg.Total {
		for k := range cfg.PerClient {
			counts[cfg.Targets[d.target(i)].Transport][e.topics.of(i, k)]++
		}
	}
	for transport, of := range counts {
		if slices.Min(of[:]) == 0 {
			t.Errorf("%v: got %v clients of the topics, want some of each", Transport(transport), of)
		}
	}
}
