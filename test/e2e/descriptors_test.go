package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/trial"
)

// flood is what became of connections that all came at once.
type flood struct {
	mu      sync.Mutex
	served  []net.Conn
	refused int // 503 with Retry-After
	odd     []string
	waiting []net.Conn // no answer yet: still in the listener's backlog
}

// startFlood opens n SSE connections and sorts them by what they get within the time.
func startFlood(t testing.TB, addr string, n int, within time.Duration) *flood {
	t.Helper()
	f := &flood{}
	var group sync.WaitGroup
	for range n {
		conn := dialRaw(t, addr)
		write(t, conn, "GET /sse HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
		if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		group.Go(func() { f.sort(conn) })
	}
	group.Wait()
	return f
}

func (f *flood) sort(conn net.Conn) {
	head := make([]byte, len("HTTP/1.1 200"))
	n, err := conn.Read(head)
	f.mu.Lock()
	defer f.mu.Unlock()
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // conn.Read returns the net.Error itself
		f.waiting = append(f.waiting, conn)
		return
	}
	if string(head[:n]) == "HTTP/1.1 200" {
		f.served = append(f.served, conn)
		return
	}
	answer, readErr := readAnswer(&pushedBack{Conn: conn, first: head[:n]}, http.MethodGet)
	if err == nil && readErr == nil && answer.status == http.StatusServiceUnavailable && answer.header.Get("Retry-After") != "" && answer.end == nil {
		f.refused++
		return
	}
	f.odd = append(f.odd, string(head[:n])+errorText(err)+errorText(readErr)+errorText(answer.end))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

// pushedBack is a connection some bytes of which were read already.
type pushedBack struct {
	net.Conn
	first []byte
}

func (p *pushedBack) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		p.first = p.first[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

func (f *flood) close() {
	for _, conn := range append(f.served, f.waiting...) {
		_ = conn.Close()
	}
}

// TestDescriptorExhaustion starves the gateway of descriptors: it must stay up without spinning, refuse politely, leave its clients alone and
// serve again as soon as descriptors are free.
func TestDescriptorExhaustion(t *testing.T) {
	tests := []struct {
		name    string
		nofile  int // at the start; each process keeps 256 for itself and takes no more connections than the rest
		squeeze int // descriptors left when the limit is lowered under the running gateway, so that accept fails; 0: it is not
	}{
		{"low from the start", 400, 0},
		{"gone while running", 0, 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trial.Grow(t, 3*time.Second, func(t testing.TB, unit time.Duration) {
				// An explicit number of workers: auto would start as many as it takes.
				g := startGateway(t, setup{nofile: tt.nofile, flags: map[string]string{"loops": "1", "workers": "1"}})
				var old []*sse
				for range 10 {
					old = append(old, openSSE(t, "http://"+g.Addr+"/sse", nil))
				}
				if tt.squeeze > 0 {
					limitDescriptors(t, g.workers()[0], tt.squeeze)
				}
				exhaust(t, g, unit)
				for i, s := range old {
					events := s.wait(t, len(s.seen())+3)
					if over, err := s.ended(); over {
						t.Errorf("client %d of before lost its stream: %v", i, err)
					}
					checkIDs(t, events)
				}
			})
		})
	}
}

// limitDescriptors lowers the limit of a running process so far that only some more descriptors can be opened.
func limitDescriptors(t testing.TB, pid, more int) {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	limit := unix.Rlimit{Cur: uint64(len(open) + more), Max: uint64(len(open) + more)}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(os.NewSyscallError("prlimit", err))
	}
}

// exhaust floods the gateway for a while with more connections than it has descriptors for, and lets them go.
func exhaust(t testing.TB, g *gateway, length time.Duration) {
	t.Helper()
	worker := g.workers()[0]
	before := cpuTime(t, worker)
	f := startFlood(t, g.Addr, 200, length)
	used := cpuTime(t, worker) - before
	t.Logf("of 200: %d served, %d refused with 503, %d waiting; %v of CPU", len(f.served), f.refused, len(f.waiting), used)
	if len(f.served) == 0 || f.refused == 0 {
		t.Errorf("got %d served and %d refused with 503 and Retry-After, want some of each", len(f.served), f.refused)
	}
	for _, odd := range f.odd {
		t.Errorf("got an odd answer: %s", odd)
	}
	if used > length/2 {
		t.Errorf("got %v of CPU in %v of exhaustion, want little: something spins", used, length)
	}
	if g.hasExited() || !alive(worker) {
		t.Fatal("the gateway or its worker ended")
	}
	f.close()
	eventually(t, patience, "service after descriptors became free", func() bool {
		s, err := trySSE("http://"+g.Addr+"/sse", nil)
		if err != nil {
			return false
		}
		defer s.close()
		return s.resp.StatusCode == http.StatusOK
	})
}
