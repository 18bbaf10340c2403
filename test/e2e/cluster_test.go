package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// service is three gateways on three NATS servers, publishers, and clients that move from gateway to gateway.
type service struct {
	nats      natsCluster
	fleet     *fleet
	a, b      *ledger
	followers map[string]*follower
}

// gatewayOn starts a gateway of a cluster.
func gatewayOn(t testing.TB, c natsCluster, more map[string]string) *gateway {
	t.Helper()
	flags := map[string]string{"nats": c.urls(), "feed": "none", "default-topic": "a", "ring": "100000"}
	maps.Copy(flags, more)
	return startGateway(t, setup{flags: flags})
}

// processes are the flags in which the gateways differ: the last one serves clients in worker processes.
var processes = [3]map[string]string{2: {"workers": "2"}}

func startService(t testing.TB) *service {
	t.Helper()
	s := &service{nats: startNATSCluster(t), fleet: &fleet{gateways: make([]*gateway, 3)}, followers: map[string]*follower{}}
	for i := range s.fleet.gateways {
		s.fleet.put(i, gatewayOn(t, s.nats, processes[i]))
	}
	s.a = &ledger{fleet: s.fleet, topic: "a", named: true}
	s.b = &ledger{fleet: s.fleet, topic: "b"}
	for i := range 3 {
		s.followers[fmt.Sprint("SSE client ", i)] = (&follower{
			fleet: s.fleet, open: openFollowerSSE("topic=a&topic=b"), idOf: func(e event) string { return e.id },
		}).follow(t)
		s.followers[fmt.Sprint("WebSocket client ", i)] = (&follower{
			fleet: s.fleet, open: openFollowerWS("topic=a"), idOf: func(e event) string { return s.a.id(e.data) },
		}).follow(t)
	}
	for name, f := range s.followers {
		eventually(t, clusterPatience, "connection of "+name, func() bool { return f.connections() > 0 })
	}
	s.a.keep(t)
	s.b.keep(t)
	s.a.grow(t, 20)
	for name, f := range s.followers {
		eventually(t, clusterPatience, "first messages of "+name, func() bool { return len(f.seen()) > 10 })
	}
	return s
}

// stored is a message of the stream.
type stored struct{ id, topic, data string }

// history reads all of the stream, past all gateways.
func (s *service) history(t testing.TB, epoch string) (list []stored) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clusterPatience)
	defer cancel()
	stream, err := s.nats.jetStream(t).Stream(ctx, "TICKGATE")
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		var m *jetstream.RawStreamMsg
		if !holds(clusterPatience, func() bool { // servers that have just come back may be choosing their leader still
			m, err = stream.GetMsg(ctx, seq)
			return err == nil
		}) {
			t.Fatalf("message %d of the stream: %v", seq, err)
		}
		list = append(list, stored{fmt.Sprintf("%s-%d", epoch, seq), strings.TrimPrefix(m.Subject, "tick."), string(m.Data)})
	}
	return list
}

// check ends publishing and compares what was acknowledged, what is stored, and what every client got.
func (s *service) check(t testing.TB) {
	t.Helper()
	s.a.finish()
	s.b.finish()
	ids := s.a.acknowledged()
	epoch, _ := splitID(t, ids[0])
	history := s.history(t, epoch)
	checkLedger(t, s.a, history)
	checkLedger(t, s.b, history)
	for name, f := range s.followers {
		f.check(t, name, history)
	}
	t.Logf("%d messages stored", len(history))
}

// checkLedger wants every acknowledged message in the stream, once, under the id that its publisher was told.
func checkLedger(t testing.TB, l *ledger, history []stored) {
	t.Helper()
	byID, times := map[string]string{}, map[string]int{}
	for _, m := range history {
		if m.topic == l.topic {
			byID[m.id] = m.data
			times[m.data]++
		}
	}
	for n, id := range l.acknowledged() {
		if id != "" && byID[id] != payloadOf(n) {
			t.Errorf("topic %s: %s was acknowledged for %s, and the stream holds %q there", l.topic, id, payloadOf(n), byID[id])
		}
		if stored := times[payloadOf(n)]; stored > 1 || id != "" && stored == 0 {
			t.Errorf("topic %s: message %d is stored %d times, want once", l.topic, n, stored)
		}
	}
	if refusals, rude := l.outcome(); rude != "" {
		t.Errorf("topic %s: %d publishes were refused, one of them by %s; want 503 with Retry-After", l.topic, refusals, rude)
	} else {
		t.Logf("topic %s: %d messages, %d answers 503", l.topic, len(l.acknowledged()), refusals)
	}
}

// check wants what the stream holds, in order, once: of both topics with ids, or of topic a without.
func (f *follower) check(t testing.TB, name string, history []stored) {
	t.Helper()
	withIDs := strings.HasPrefix(name, "SSE")
	var want []event
	for _, m := range history {
		switch {
		case withIDs:
			want = append(want, event{id: m.id, data: m.data})
		case m.topic == "a":
			want = append(want, event{data: m.data})
		}
	}
	holds(clusterPatience, func() bool { return len(f.seen()) >= len(want) })
	got := f.seen()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s: got %d messages, want %d; the next would be %+v", name, len(got), len(want), want[i])
		case i >= len(want):
			t.Fatalf("%s: got %+v after all %d messages", name, got[i], len(want))
		case got[i].id != want[i].id || got[i].data != want[i].data || got[i].kind != "":
			t.Fatalf("%s, message %d: got %+v, want %+v", name, i, got[i], want[i])
		}
	}
	t.Logf("%s: %d messages over %d connections", name, len(got), f.connections())
}

// TestCluster kills each NATS server and each gateway in turn. Every client gets every message once and in order, over
// all its moves.
func TestCluster(t *testing.T) {
	t.Parallel()
	s := startService(t)
	for i, server := range s.nats {
		server.kill(t)
		s.a.grow(t, 100)
		server.start(t)
		server.waitHealthy(t)
		t.Logf("NATS server %d was killed and came back", i)
	}
	for i := range s.fleet.gateways {
		s.fleet.gateways[i].kill(t)
		s.a.grow(t, 100)
		s.fleet.put(i, gatewayOn(t, s.nats, processes[i]))
		s.a.grow(t, 20)
		t.Logf("gateway %d was killed and came back", i)
	}
	s.check(t)
}

// TestNATSOutage takes all NATS servers away for some seconds.
func TestNATSOutage(t *testing.T) {
	t.Parallel()
	s := startService(t)
	before := map[string]int{}
	for name, f := range s.followers {
		before[name] = f.connections()
	}
	for _, server := range s.nats {
		server.kill(t)
	}
	for _, g := range s.fleet.gateways {
		eventually(t, clusterPatience, "503 from /readyz that names the bus", func() bool {
			status, body := page(t, "http://"+g.Admin+"/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, "bus") && strings.Contains(body, "127.0.0.1")
		})
		eventually(t, clusterPatience, "quick 503 for a publisher", func() bool { return refusedSoon(t, g) })
	}
	eventually(t, clusterPatience, "503 for the publisher of topic a", func() bool {
		refusals, _ := s.a.outcome()
		return refusals > 0
	})
	for _, server := range s.nats {
		server.start(t)
	}
	s.a.grow(t, 100)
	for _, g := range s.fleet.gateways {
		eventually(t, clusterPatience, "200 from /readyz", func() bool { return statusOf("http://"+g.Admin+"/readyz") == http.StatusOK })
	}
	s.check(t)
	for name, f := range s.followers {
		if got := f.connections(); got != before[name] {
			t.Errorf("%s: got %d connections, want the %d it had: an outage of NATS ends none", name, got, before[name])
		}
	}
}

// page returns the status and the body of a page.
func page(t testing.TB, url string) (int, string) {
	t.Helper()
	resp, err := ledgerClient.Get(url)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return resp.StatusCode, string(body)
}

// refusedSoon tells whether a publisher is sent away at once, and not only after the time that an election may take.
func refusedSoon(t testing.TB, g *gateway) bool {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+g.Admin+"/v1/topics/c", "", strings.NewReader("x"))
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != ""
}

// TestStreamMadeAnew deletes the stream under running gateways: they make it again, go on with ids of another epoch, and
// tell their clients of the gap.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	s := startService(t)
	ids := s.a.acknowledged()
	old, _ := splitID(t, ids[0])
	js := s.nats.jetStream(t)
	if err := js.DeleteStream(t.Context(), "TICKGATE"); err != nil {
		t.Fatal(err)
	}
	eventually(t, clusterPatience, "a new stream", func() bool {
		_, err := js.Stream(t.Context(), "TICKGATE")
		return err == nil
	})
	for name, f := range s.followers {
		if !strings.HasPrefix(name, "SSE") {
			continue
		}
		eventually(t, clusterPatience, "a gap and messages of the new epoch for "+name, func() bool {
			events := f.seen()
			last := events[len(events)-1]
			return f.gapped() && last.kind == "" && last.id != "" && !strings.HasPrefix(last.id, old+"-")
		})
	}
	for _, g := range s.fleet.gateways {
		if g.hasExited() {
			t.Error("a gateway ended with the stream")
		}
	}
}

// gapped tells whether the client was told of a gap.
func (f *follower) gapped() bool {
	for _, e := range f.seen() {
		if e.kind == "gap" {
			return true
		}
	}
	return false
}

// TestMinority leaves one of three NATS servers: the connection is well, and yet nothing can be stored. A gateway that is started
// then waits for the others.
func TestMinority(t *testing.T) {
	t.Parallel()
	c := startNATSCluster(t)
	g := gatewayOn(t, c, nil)
	client := openSSE(t, "http://"+g.Addr+"/sse?topic=a", nil)
	if status, r := publish(t, g, "a", "before", nil); status != http.StatusOK {
		t.Fatalf("publish: got %d %+v, want 200", status, r)
	}
	for _, server := range c {
		server.kill(t)
	}
	c[0].start(t)
	eventually(t, clusterPatience, "503 from /readyz that names the stream", func() bool {
		status, body := page(t, "http://"+g.Admin+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "TICKGATE")
	})
	eventually(t, clusterPatience, "quick 503 for a publisher", func() bool { return refusedSoon(t, g) })
	late := launch(t, setup{flags: map[string]string{"nats": c.urls(), "feed": "none"}})
	t.Cleanup(func() { late.cleanUp(t) })
	for _, server := range c[1:] {
		server.start(t)
	}
	eventually(t, clusterPatience, "200 from /readyz", func() bool { return statusOf("http://"+g.Admin+"/readyz") == http.StatusOK })
	eventually(t, clusterPatience, "200 for a publisher", func() bool {
		status, _ := publish(t, g, "a", "after", http.Header{"Nats-Msg-Id": {"after"}})
		return status == http.StatusOK
	})
	late.waitListening(t)
	if events := client.wait(t, 2); events[0].data != "before" || events[1].data != "after" {
		t.Errorf("got %+v, want before and after over one connection", events)
	}
}
