package e2e

import (
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestMaxConnsOfWorkers: three workers together take as many connections as --max-conns says and not one more, however the kernel spreads them.
// What a killed worker held is free at once.
func TestMaxConnsOfWorkers(t *testing.T) {
	t.Parallel()
	const most = 60
	g := startGateway(t, setup{flags: map[string]string{"workers": "3", "loops": "1", "max-conns": strconv.Itoa(most)}})
	url := "http://" + g.Addr + "/sse"
	var served []*sse
	fill := func() {
		t.Helper()
		for range 2 * most {
			s, err := trySSE(url, nil)
			if err != nil {
				continue // a connection to the worker that was killed
			}
			if s.resp.StatusCode != http.StatusOK {
				s.close()
				continue
			}
			t.Cleanup(s.close)
			served = append(served, s)
		}
	}
	fill()
	if len(served) != most {
		t.Fatalf("got %d of %d connections served, want %d", len(served), 2*most, most)
	}

	before := g.workers()
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "another worker in its place", func() bool {
		now := g.workers()
		return len(now) == 3 && !slices.Contains(now, before[0])
	})
	living := func() int {
		served = slices.DeleteFunc(served, func(s *sse) bool { over, _ := s.ended(); return over })
		return len(served)
	}
	eventually(t, patience, "clients that lost their worker", func() bool { return living() < most })
	eventually(t, patience, "as many connections as before", func() bool { fill(); return living() == most })
	never(t, time.Second, "more than that after a worker was replaced", func() bool { fill(); return living() > most })
}
