package e2e

import (
	"maps"
	"testing"
	"time"
)

// speech is how the swarm's clients subscribe, and to how many worker processes.
type speech struct {
	workers string
	flags   []string
}

// speeches are the ways in which clients learn the ids that they resume with.
var speeches = map[string]speech{
	"event streams of workers":             {"2", []string{"--mix=sse=1"}},
	"envelopes by query":                   {"auto", []string{"--mix=ws=1", "--subprotocol=tickgate.v1"}},
	"envelopes by command, and of workers": {"2", []string{"--mix=ws=50,sse=50", "--subprotocol=tickgate.v1", "--subscribe=command"}},
}

// TestSwarmTopics: 2,000 clients have two of a hundred topics each, and get every message of these and no other, which the swarm checks by
// client and topic.
func TestSwarmTopics(t *testing.T) {
	const conns, topics = 2000, 100 // so that 40 clients have each
	ways := maps.Clone(speeches)
	ways["frames and event streams"] = speech{"2", nil}
	for name, how := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{
				"workers": how.workers, "max-conns": "2400", "feed-interval": "1s", "feed-symbols": "100", "feed-topic": "price.{sym}",
			}})
			got, r := swarm(t, g, 120*time.Second, append(how.flags, "--conns=2000", "--ticks=300", "--settle=30s", "--policy=all",
				"--processes=2", "--topics=price.S{0..99}", "--topics-per-client=2",
				"--assert=connected=2000,loss=0,conflated=0,duplicates=0,reordered=0,strays=0,ids_backward=0,disconnects=0,failures=0")...)
			if got.code != 0 {
				t.Errorf("got exit code %d, want 0: all assertions hold:\n%s", got.code, got.output)
			}
			// Each tick goes to 40 clients. That the newest of each topic has come to all of them is part of what loss counts.
			checkScale(t, t, r, conns, 6)
			if m := r.Messages; m.Strays != 0 || r.Ticks.Count < 300 || r.Plan.Topics != topics || r.Plan.PerClient != 2 {
				t.Errorf("got messages %+v, ticks %+v of plan %+v, want 300 ticks of a hundred topics", m, r.Ticks, r.Plan)
			}
		})
	}
}

// TestSwarmAway: 500 of 2,000 clients leave, stay away, come back with their ids and get every message of their topics once, whichever
// worker they land on.
func TestSwarmAway(t *testing.T) {
	for name, how := range speeches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{
				"workers": how.workers, "max-conns": "2400", "feed-interval": "500ms", "feed-symbols": "10", "feed-topic": "price.{sym}",
			}})
			got, r := swarm(t, g, 150*time.Second, append(how.flags, "--conns=2000", "--policy=all", "--processes=2", "--settle=30s",
				"--topics=price.S{0..9}", "--topics-per-client=2", "--away-clients=500", "--away=3s", "--away-after=5s", "--hold=12s",
				"--assert=connected=2000,loss=0,duplicates=0,reordered=0,gaps=0,strays=0,ids_backward=0,disconnects=0,returned=500,resumed=500,replayed>0")...)
			if got.code != 0 {
				t.Errorf("got exit code %d, want 0: all assertions hold:\n%s", got.code, got.output)
			}
			a := r.Away
			if a == nil {
				t.Fatalf("got no account of the clients that were away:\n%s", got.output)
			}
			if a.Clients != 500 || a.Returned != 500 || a.Resumed != 500 || a.Replayed == 0 || a.Lost+a.Duplicates+a.Reordered+a.Gaps != 0 {
				t.Errorf("got %+v, want 500 back with every message once", *a)
			}
			if a.Before.Count == 0 || a.Return.Count == 0 {
				t.Errorf("got %+v, want latencies of the others before and during the return", *a)
			}
		})
	}
}
