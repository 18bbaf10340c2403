package ticklog

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tick is a payload of the feed with an intended time.
func tick(due time.Time) []byte {
	return []byte(`{"sym":"ACME","price":1.5,"seq":7,"ts":` + strconv.FormatInt(due.UnixNano(), 10) + `}`)
}

// page reads the log as an operator would.
func page(t *testing.T, l *Log, since int64) Page {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/ticks?since="+strconv.FormatInt(since, 10), nil))
	var p Page
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		t.Fatalf("got status %d, %v: %s", w.Code, err, w.Body)
	}
	return p
}

func TestWayOfAMessage(t *testing.T) {
	l := New(Config{})
	var spent Spent
	first, second := l.Loop(func() Spent { return spent }), l.Loop(func() Spent { return spent })
	due := time.Now().Add(-time.Second)
	l.Published(5, due, due.Add(1), due.Add(3))
	spent.Accepts = 10
	l.Received(5, "ticks", due.Add(2), tick(due))
	l.Announced(5)
	spent = Spent{Accepts: 15, Reads: 4}
	second.Began(5, 1000, 10)
	spent = Spent{Accepts: 16, Reads: 4, Timers: 2, Work: 3}
	second.Ended(5, 1200, 11, true)
	first.Ended(5, 0, 0, false) // never began: nobody is subscribed there

	p := page(t, l, 0)
	if len(p.Messages) != 1 || len(p.Messages[0].Passes) != 1 || len(p.Loops) != 2 || p.Now < due.UnixNano() {
		t.Fatalf("got %+v, want one message with one pass, and two loops", p)
	}
	m := p.Messages[0]
	ns := due.UnixNano()
	if m.Seq != 5 || m.Topic != "ticks" || m.Due != ns || m.Offered != ns+1 || m.Stored != ns+2 || m.Acked != ns+3 {
		t.Errorf("got %+v, want the times given", m)
	}
	if m.Received < ns || m.Announced < m.Received || m.Passes[0].Began < m.Announced || m.Passes[0].Ended < m.Passes[0].Began {
		t.Errorf("got %+v, want times in order", m)
	}
	pass := m.Passes[0]
	pass.Began, pass.Ended, pass.CPU = 0, 0, 0
	want := Pass{
		Loop: 1, Overtaken: true, Sends: 200, Blocked: 1,
		Wait: Spent{Accepts: 5, Reads: 4}, Busy: Spent{Accepts: 1, Timers: 2, Work: 3},
	}
	if pass != want {
		t.Errorf("got pass %+v, want %+v", pass, want)
	}
	if p := page(t, l, m.Received); len(p.Messages) != 0 {
		t.Errorf("got %+v since then, want nothing", p.Messages)
	}
}

func TestOlderMessagesGiveWay(t *testing.T) {
	l := New(Config{})
	loop := l.Loop(func() Spent { return Spent{} })
	for seq := uint64(1); seq <= Size+10; seq++ {
		l.Received(seq, "ticks", time.Now(), nil)
		loop.Began(seq, 0, 0)
	}
	l.Received(3, "late", time.Now(), nil) // older than what has its place
	l.Announced(3)
	loop.Ended(3, 0, 0, false)
	p := page(t, l, 0)
	if n := len(p.Messages); n != Size || p.Messages[0].Seq != 11 || p.Messages[n-1].Seq != Size+10 {
		t.Errorf("got %d messages from %d on, want the newest %d", n, p.Messages[0].Seq, Size)
	}
	for _, m := range p.Messages {
		if len(m.Passes) != 1 || m.Announced != 0 || m.Passes[0].Ended != 0 {
			t.Fatalf("got %+v, want the pass that has begun and nothing of the message before it", m)
		}
	}
}

func TestLateMessages(t *testing.T) {
	var late []Late
	l := New(Config{Objective: time.Second, Late: func(m Late) { late = append(late, m) }})
	loop := l.Loop(func() Spent { return Spent{} })
	serve := func(seq uint64, payload []byte) {
		l.Received(seq, "ticks", time.Now(), payload)
		loop.Began(seq, 0, 0)
		loop.Ended(seq, 0, 0, false)
	}
	serve(1, tick(time.Now().Add(-500*time.Millisecond)))
	serve(2, tick(time.Now().Add(-3*time.Second)))
	serve(3, nil) // due when it arrived
	l.Published(4, time.Now().Add(-2*time.Second), time.Now(), time.Now())
	if len(late) != 2 || late[0].Seq != 2 || late[1].Seq != 4 || late[0].By < 3*time.Second {
		t.Errorf("got %+v, want messages 2, by 3 s, and 4", late)
	}
}

func TestDue(t *testing.T) {
	for payload, want := range map[string]int64{
		`{"ts":1767323045}`:                1767323045e9,
		`{"a":1,"ts": 1767323045123,"b":}`: 1767323045123e6,
		`{"ts":1767323045123456}`:          1767323045123456e3,
		`{"ts":1767323045123456789}`:       1767323045123456789,
		`{"ts":99999999999999999999999}`:   dueOf([]byte(`{"ts":999999999999999999}`)), // cut, and so nobody's
		`{"ts":"noon"}`:                    0,
		`{"ts":`:                           0,
		`{"seq":1}`:                        0,
		``:                                 0,
		strings.Repeat(" ", dueWithin) + `{"ts":1767323045}`: 0,
	} {
		if got := dueOf([]byte(payload)); got != want {
			t.Errorf("%s: got %d, want %d", strings.TrimSpace(payload), got, want)
		}
	}
}

func TestNotesDoNotAllocate(t *testing.T) {
	l := New(Config{Objective: time.Hour, Late: func(Late) {}})
	loop := l.Loop(func() Spent { return Spent{} })
	payload, seq := tick(time.Now()), uint64(0)
	note := func() {
		seq++
		l.Received(seq, "ticks", time.Time{}, payload)
		l.Announced(seq)
		loop.Began(seq, 1, 2)
		loop.Ended(seq, 3, 4, false)
	}
	for range Size { // the first round makes room
		note()
	}
	if n := testing.AllocsPerRun(1000, note); n != 0 {
		t.Errorf("got %v allocations per message, want 0", n)
	}
}

// A collection leaves a record with its pause, and with what its helpers had to do.
func TestCollections(t *testing.T) {
	l := New(Config{})
	defer l.WatchCollector()()
	before := time.Now().UnixNano()
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	type node struct{ next *node }
	var assist, mark int64
	for deadline := time.Now().Add(2 * time.Minute); assist == 0 && time.Now().Before(deadline); {
		var list *node
		for range 1 << 20 {
			list = &node{list}
		}
		runtime.KeepAlive(list)
		for _, c := range page(t, l, before).Collections {
			assist, mark = assist+c.Assist, mark+c.Mark
			if c.Ended <= before || c.Pause < 0 || c.Pause > time.Now().UnixNano()-before {
				t.Fatalf("got %+v, want a collection since the test began", c)
			}
		}
	}
	if assist <= 0 || mark <= 0 {
		t.Errorf("got %d ns of assists and %d ns of marking under pressure, want some", assist, mark)
	}
}

func TestConcurrently(t *testing.T) {
	l := New(Config{})
	var all sync.WaitGroup
	for range 2 {
		loop := l.Loop(func() Spent { return Spent{} })
		all.Go(func() {
			for seq := uint64(1); seq < 3000; seq++ {
				loop.Began(seq, 0, 0)
				loop.Ended(seq, 0, 0, false)
			}
		})
	}
	all.Go(func() {
		for seq := uint64(1); seq < 3000; seq++ {
			l.Received(seq, "ticks", time.Now(), nil)
			l.Announced(seq)
		}
	})
	for range 50 {
		for _, m := range l.Since(0).Messages {
			if len(m.Passes) > 2 {
				t.Errorf("got %d passes of message %d, want 2 at most", len(m.Passes), m.Seq)
			}
		}
	}
	all.Wait()
}

func TestBadSince(t *testing.T) {
	w := httptest.NewRecorder()
	New(Config{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/ticks?since=noon", nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `since="noon": not a Unix time`) {
		t.Errorf("got %d %s, want 400 and the value", w.Code, w.Body)
	}
}

// BenchmarkMessage is what a message costs in a process with one loop, deliveries apart.
func BenchmarkMessage(b *testing.B) {
	l := New(Config{})
	loop := l.Loop(func() Spent { return Spent{} })
	payload := tick(time.Now())
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		l.Received(seq, "ticks", time.Time{}, payload)
		l.Announced(seq)
		loop.Began(seq, 0, 0)
		loop.Ended(seq, 0, 0, false)
	}
}
