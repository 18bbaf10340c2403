package load

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestClientSize(t *testing.T) {
	if got := unsafe.Sizeof(client{}); got > 64 {
		t.Errorf("a client takes %d bytes, want at most 64: one cache line", got)
	}
	t.Logf("with its epoll.Conn %d bytes", unsafe.Sizeof(conn{}))
}

func TestObserve(t *testing.T) {
	type step struct {
		seq     uint64
		want    arrival
		missing uint64
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{5, arrivedFirst, 0}, {6, arrivedNext, 0}, {7, arrivedNext, 0}}},
		{"zero is a number", []step{{0, arrivedFirst, 0}, {0, arrivedAgain, 0}, {1, arrivedNext, 0}}},
		{"gap filled", []step{{1, arrivedFirst, 0}, {4, arrivedNext, 2}, {2, arrivedLate, 0}, {2, arrivedAgain, 0}, {3, arrivedLate, 0}}},
		{"before the view", []step{{9, arrivedFirst, 0}, {8, arrivedEarly, 0}, {10, arrivedNext, 0}, {8, arrivedEarly, 0}}},
		{"the window's edge", []step{{1, arrivedFirst, 0}, {40, arrivedNext, 38}, {9, arrivedLate, 0}, {8, arrivedEarly, 0}}},
		{"far jump", []step{{1, arrivedFirst, 0}, {1 << 40, arrivedNext, 1<<40 - 2}, {1, arrivedEarly, 0}}},
	}
	for _, tt := range tests {
		var v view
		for i, s := range tt.steps {
			if got, missing := v.observe(s.seq); got != s.want || missing != s.missing {
				t.Errorf("%s, step %d (%d): got %d, %d missing; want %d, %d", tt.name, i, s.seq, got, missing, s.want, s.missing)
			}
		}
	}
}

func TestIDRing(t *testing.T) {
	r := newIDRing(1)
	a, b := r.put([]byte("e-1")), r.put([]byte("e-2"))
	if again := r.put([]byte("e-1")); again != a || r.put([]byte("e-2")) != b || string(r.get(a)) != "e-1" {
		t.Error("the same id got another reference")
	}
	if r.put(make([]byte, maxID+1)) != 0 || r.get(0) != nil {
		t.Error("an id too long was kept")
	}
	for i := range idSlots - 2 { // several topics tick at once: the order in which clients get them does not matter
		r.put(fmt.Appendf(nil, "e-%d", 3+(i^1)))
	}
	if got := r.get(a); string(got) != "e-1" {
		t.Errorf("got %q, want e-1: there is room for %d", got, idSlots)
	}
	r.put(fmt.Appendf(nil, "e-%d", 1+idSlots))
	if got := r.get(a); got != nil {
		t.Errorf("got %q, want nothing: it was overwritten", got)
	}
	word := r.put([]byte("01J9ZXW0M3T8"))
	if other := r.put([]byte("a word")); string(r.get(word)) != "01J9ZXW0M3T8" || string(r.get(other)) != "a word" {
		t.Error("ids without a number were not kept")
	}
}

func TestIDsGrow(t *testing.T) {
	for _, tt := range []struct {
		last, next string
		want       bool
	}{
		{"", "e-1", false},
		{"e-9", "e-10", false},
		{"e-10", "e-9", true},
		{"e-10", "e-10", true},
		{"e-10", "f-9", false}, // another epoch
		{"word", "words", false},
		{"e-18446744073709551615", "e-1", false}, // too long for a number
	} {
		r := newIDRing(1)
		last := r.put([]byte(tt.last))
		if got := r.backward(last, r.put([]byte(tt.next))); got != tt.want {
			t.Errorf("%q after %q: got %v, want %v", tt.next, tt.last, got, tt.want)
		}
	}
}

// A client resumes with its id however much the others have got since it left.
func TestIDsOfAbsentClients(t *testing.T) {
	l, c := hotLoop(t, SSE)
	s := c.State()
	l.remember(s, []byte("e-1"))
	l.setAside(s)
	for i := range idSlots {
		l.ids.put(fmt.Appendf(nil, "e-%d", 2+i))
	}
	s.phase = dialing
	s.flags |= flagBack
	if got := string(l.appendRequest(nil, s)); !strings.Contains(got, "Last-Event-ID: e-1\r\n") {
		t.Errorf("got the request %q, want it to resume behind e-1", got)
	}
}

func TestTicksAddUp(t *testing.T) {
	r := newTickRing(1)
	record := func(seq uint64, intended, now int64) {
		r.record(&sighting{stamp: stamp{seq: seq, due: intended}, now: now}, unasked)
	}
	record(7, 100, 110)
	record(7, 100, 130)
	record(7+tickSlots, 200, 210) // takes the slot
	record(7, 100, 220)           // too late
	record(9, 300, 310)
	record(9, 400, 410)         // stamped anew for every client
	record(9, 300+sameRun, 910) // the feed has begun anew
	record(8, 0, 140)
	got := mergeTicks(r.since(0), []Tick{{Seq: 8, First: 120, Last: 125, Count: 3}})
	slices.SortFunc(got, func(a, b Tick) int { return int(a.Seq) - int(b.Seq) })
	want := []Tick{
		{Seq: 8, First: 120, Last: 140, Count: 4},
		{Seq: 9, Intended: 300 + sameRun, First: 910, Last: 910, Count: 1},
		{Seq: 7 + tickSlots, Intended: 200, First: 210, Last: 210, Count: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := len(r.since(300)); n != 1 {
		t.Errorf("got %d ticks since, want 1", n)
	}
}

func TestDistAddsUp(t *testing.T) {
	dist := func(ms ...int) Dist {
		h := newCounts()
		for _, d := range ms {
			h.record(time.Duration(d)*time.Millisecond, 1)
		}
		return h.dist()
	}
	a, b := dist(1, 2, 2), dist(2, 900)
	sum := a.Merge(b)
	if h := Histogram(a, b); sum.Total() != 5 || h.TotalCount() != 5 || h.Max()/1000 != 900 {
		t.Errorf("got %d and %d values up to %d µs, want 5 up to 900 ms", sum.Total(), h.TotalCount(), h.Max())
	}
	if back := sum.Since(a); !slices.Equal(back.Index, b.Index) || !slices.Equal(back.Count, b.Count) {
		t.Errorf("got %+v, want %+v", back, b)
	}
	if h := Histogram(dist(-1, int(2*time.Hour/time.Millisecond))); h.TotalCount() != 2 || h.Min() != 0 {
		t.Errorf("got %d values from %d, want 2 at the borders", h.TotalCount(), h.Min())
	}
}

func TestParseTarget(t *testing.T) {
	tests := []struct {
		raw  string
		want []Target
		err  string
	}{
		{"ws://127.0.0.1:8080/ws?topic=a", []Target{{"ws://127.0.0.1:8080/ws?topic=a", WebSocket, netip.AddrPort{}, "127.0.0.1:8080", "/ws?topic=a"}}, ""},
		{"http://h/events", []Target{{"http://h/events", SSE, netip.AddrPort{}, "h", "/events"}}, ""},
		{"http://h:1?topic=x", []Target{
			{"ws://h:1/ws?topic=x", WebSocket, netip.AddrPort{}, "h:1", "/ws?topic=x"},
			{"http://h:1/sse?topic=x", SSE, netip.AddrPort{}, "h:1", "/sse?topic=x"},
		}, ""},
		{"ws://h", []Target{{"ws://h", WebSocket, netip.AddrPort{}, "h", "/"}}, ""},
		{"wss://h/ws", nil, `target "wss://h/ws": TLS is not supported yet; use the server's plain port (ws:// or http://)`},
		{"h:80", nil, `target "h:80": no scheme; write ws://h:80 or http://h:80`},
		{"ftp://h", nil, `target "ftp://h": unknown scheme "ftp"; write ws:// or http://`},
		{"ws://", nil, `target "ws://": no host; write ws://HOST:PORT/PATH`},
		{"ws://h:x/", nil, `target "ws://h:x/": invalid port ":x" after host`},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.raw)
		if message := errorText(err); message != tt.err || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %+v, %q; want %+v, %q", tt.raw, got, message, tt.want, tt.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseMix(t *testing.T) {
	if got, err := ParseMix("ws=70, sse=30"); err != nil || got != (Mix{70, 30}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "ws", "ws=x", "tcp=1", "ws=0,sse=0", "ws=-1"} {
		if got, err := ParseMix(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

func TestSharesAreExact(t *testing.T) {
	ws, sse := Target{Transport: WebSocket}, Target{Transport: SSE}
	tests := []struct {
		mix     Mix
		targets []Target
		want    []int // of 1,000 clients
	}{
		{Mix{70, 30}, []Target{sse, ws, sse}, []int{150, 700, 150}},
		{Mix{70, 30}, []Target{ws}, []int{1000}},
		{Mix{0, 1}, []Target{ws}, []int{1000}},
		{Mix{1, 2}, []Target{ws, sse}, []int{333, 667}},
		{Mix{}, []Target{ws, ws, sse, ws}, []int{250, 250, 250, 250}},
	}
	for _, tt := range tests {
		d := newDeal(&Config{Mix: tt.mix, Targets: tt.targets})
		got := make([]int, len(tt.targets))
		for i := range 1000 {
			got[d.target(i)]++
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v over %v: got %v, want %v", tt.mix, tt.targets, got, tt.want)
		}
	}
	cfg, slow := Config{Total: 1000, Slow: 37}, 0
	for i := range cfg.Total {
		if cfg.slow(i) {
			slow++
		}
	}
	if slow != 37 {
		t.Errorf("got %d slow clients, want 37", slow)
	}
}

func TestSources(t *testing.T) {
	local := netip.MustParseAddrPort("127.0.0.1:80")
	if got := Sources(nil, local, PortsPerSource+1); len(got) != 2 || !got[1].IsLoopback() || got[0] == got[1] {
		t.Errorf("got %v, want two addresses of 127.0.0.0/8", got)
	}
	if got := Sources(nil, netip.MustParseAddrPort("192.0.2.1:80"), 1); got != nil {
		t.Errorf("got %v, want none: the kernel knows the way", got)
	}
	r := rotation{addrs: []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.2")}}
	if got := r.take(local.Addr()); got.Addr() != r.addrs[1] {
		t.Errorf("got %v, want the address of the target's family", got)
	}
}

func TestBatch(t *testing.T) {
	if err := Batch(); err != nil {
		t.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if attr, err := unix.SchedGetAttr(tid, 0); err == nil && attr.Policy != unix.SCHED_BATCH {
			t.Errorf("thread %d: got policy %d, want SCHED_BATCH", tid, attr.Policy)
		}
	}
}

func TestNewer(t *testing.T) {
	second := int64(time.Second)
	tests := []struct {
		name string
		a, b Tick
		want bool
	}{
		{"higher number", Tick{Seq: 2, Intended: 2 * second}, Tick{Seq: 1, Intended: second}, true},
		{"stamped by client", Tick{Seq: 9, Intended: second}, Tick{Seq: 3, Intended: 2 * second}, true},
		{"began anew", Tick{Seq: 1, Intended: 100 * second}, Tick{Seq: 80, Intended: 90 * second}, true},
		{"before it began anew", Tick{Seq: 80, Intended: 90 * second}, Tick{Seq: 1, Intended: 100 * second}, false},
		{"without times", Tick{Seq: 80}, Tick{Seq: 1}, true},
	}
	for _, tt := range tests {
		if got := tt.a.Newer(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
