//go:build walls

package e2e

import (
	"strconv"
	"testing"
	"time"
)

// TestWallWatches: epoll's registrations end where the doctor says. The bound is one for all users of the machine, so the test has to be asked for
// (go test -tags walls); what is counted against it is counted for each user, so it runs as one that nobody else is.
func TestWallWatches(t *testing.T) {
	const watches = 16000
	nobody := []string{need(t, "setpriv"), "--reuid=54321", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"}
	flags := map[string]string{"max-conns": "15000", "policy": "-", "feed-interval": "1s"}
	g := startGateway(t, setup{flags: flags, wrap: nobody})
	setSysctl(t, "fs.epoll.max_user_watches", strconv.Itoa(watches))
	p := askDoctor(t, nil, "--for=both", "--conns=15000")
	m := newGauge(t, g)
	for range 2 {
		besiege(t, g, nobody, watches/2*3/4)
	}
	compare(t, p.Walls.First, "fs.epoll.max_user_watches", m.reached(t, 4*time.Second), 0.02)
	eventually(t, patience, "log line that names the limit", func() bool { return g.told("fs.epoll.max_user_watches is 16000") })
}
