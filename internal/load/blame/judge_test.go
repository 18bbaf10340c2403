package blame

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

// epoch is when the first tick is due; the others follow a second apart.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()

// scene is one tick as an undisturbed run sees it: 1 ms in each part of the gateway, a fan-out of 10 ms, 2 ms in the kernel and 3 ms
// in the swarm.
type scene struct {
	message     Message
	collections []Collection
	tick        Tick
}

func quiet(i int) scene {
	due := epoch + int64(i)*1000*ms
	return scene{
		message: Message{
			Seq: uint64(100 + i), Topic: "ticks", Due: due, Offered: due + 1*ms, Acked: due + 2*ms, Stored: due + 2*ms,
			Received: due + 2*ms, Announced: due + 3*ms,
			Passes: []Pass{{Began: due + 4*ms, Ended: due + 14*ms, CPU: 10 * ms, Sends: 200}},
		},
		tick: Tick{Seq: uint64(i), Intended: due, Last: due + 19*ms, Lag: 3 * ms},
	}
}

// delay moves what comes after a moment, in milliseconds after the due time, by 500 ms.
func (s *scene) delay(after int64) {
	const by = 500
	for _, t := range []*int64{
		&s.message.Offered, &s.message.Acked, &s.message.Stored, &s.message.Received, &s.message.Announced,
		&s.message.Passes[0].Began, &s.message.Passes[0].Ended, &s.tick.Last,
	} {
		if *t-s.message.Due > after*ms {
			*t += by * ms
		}
	}
}

// judge plays ten quiet ticks and the one given.
func judge(t *testing.T, late scene, run Run) *Report {
	t.Helper()
	p := Process{Worker: "0", Now: epoch}
	for i := range 10 {
		s := quiet(i)
		p.Messages = append(p.Messages, s.message)
		run.Ticks = append(run.Ticks, s.tick)
	}
	p.Messages, p.Collections = append(p.Messages, late.message), late.collections
	run.Ticks = append(run.Ticks, late.tick)
	run.Book = new(Book)
	run.Book.Add(&Page{Processes: []Process{p}})
	r := Judge(&run)
	if r == nil {
		t.Fatal("got no report")
	}
	return r
}

func TestCauses(t *testing.T) {
	for cause, bend := range map[Cause]func(s *scene){
		Feed: func(s *scene) { s.delay(0) },
		Bus:  func(s *scene) { s.delay(1) },
		Hub:  func(s *scene) { s.delay(2) },
		Accepts: func(s *scene) {
			s.delay(3)
			s.message.Passes[0].Wait = Spent{Accepts: 200 * ms, Reads: 290 * ms}
		},
		Other: func(s *scene) {
			s.delay(3)
			s.message.Passes[0].Wait = Spent{Work: 400 * ms, Timers: 90 * ms}
		},
		OffCPU: func(s *scene) { s.delay(3) },
		FanOut: func(s *scene) { s.delay(4); s.message.Passes[0].CPU += 500 * ms },
		Assist: func(s *scene) {
			s.delay(4)
			s.message.Passes[0].CPU += 400 * ms
			s.collections = []Collection{{Ended: s.message.Passes[0].Ended - ms, Assist: 300 * ms, Mark: 100 * ms}}
		},
		Pause: func(s *scene) {
			s.delay(4)
			s.collections = []Collection{{Ended: s.message.Passes[0].Began + 495*ms, Pause: 490 * ms}}
		},
		Kernel:      func(s *scene) { s.delay(14) },
		Swarm:       func(s *scene) { s.delay(14); s.tick.Lag += 500 * ms },
		Unexplained: func(s *scene) { s.delay(14); s.message.Passes = nil },
	} {
		t.Run(string(cause), func(t *testing.T) {
			s := quiet(20)
			bend(&s)
			r := judge(t, s, Run{Local: true})
			if len(r.Ticks) != 1 || r.Slow != 1 || r.Judged != 11 || r.Unknown != 0 {
				t.Fatalf("got %+v, want one slow tick of eleven", r)
			}
			v := r.Ticks[0]
			if v.Cause != cause || v.Excess < 250 || v.Seq != 20 || !v.Intended.Equal(time.Unix(0, s.tick.Intended)) {
				t.Errorf("got %+v, want %s", v, cause)
			}
			if v.Late != 519 || math.Abs(total(v.Parts)-v.Late) > 1e-6 {
				t.Errorf("got %v ms late, parts %v, want parts that add up to 519 ms", v.Late, v.Parts)
			}
			if cause.String() == "" || !slices.Contains(Causes, cause) {
				t.Errorf("%s has no name or no place in the order", cause)
			}
		})
	}
}

func total(p Parts) (sum float64) {
	for v := range maps.Values(p) {
		sum += v
	}
	return sum
}

// A long fan-out that is always there is not to blame for a tick with a shorter pause.
func TestUsualPartsAreNotBlamed(t *testing.T) {
	book, run := new(Book), Run{Local: true}
	p := Process{Worker: "0"}
	for i := range 8 {
		s := quiet(i)
		m := &s.message.Passes[0]
		m.Ended, m.CPU, s.tick.Last = m.Ended+400*ms, m.CPU+400*ms, s.tick.Last+400*ms
		if i == 5 {
			m.Ended, s.tick.Last = m.Ended+300*ms, s.tick.Last+300*ms
			p.Collections = []Collection{{Ended: m.Ended - ms, Pause: 300 * ms}}
		}
		p.Messages, run.Ticks = append(p.Messages, s.message), append(run.Ticks, s.tick)
	}
	book.Add(&Page{Processes: []Process{p}})
	run.Book = book
	r := Judge(&run)
	if len(r.Ticks) != 1 || r.Ticks[0].Cause != Pause || r.Usual[FanOut] != 410 || r.Given {
		t.Errorf("got %+v, want one slow tick with a pause, and 410 ms of fan-out as usual", r)
	}
	run.Objective = 100
	if r = Judge(&run); r.Slow != 8 || len(r.Usual) != 0 || r.Causes[FanOut] != 8 || !r.Given {
		t.Errorf("got %+v, want eight ticks beyond the objective of 100 ms, the largest part of each blamed", r)
	}
}

// Of a gateway on another machine, only its own account and the swarm's lag count: its clock may be anywhere.
func TestOtherMachine(t *testing.T) {
	s := quiet(20)
	s.delay(2)
	s.tick.Last += 3_600_000 * ms // the swarm's clock is an hour ahead
	r := judge(t, s, Run{})
	if len(r.Ticks) != 1 || r.Ticks[0].Cause != Hub || r.Ticks[0].Parts[Kernel] != 0 || r.Ticks[0].Late != 517 {
		t.Errorf("got %+v, want the hub blamed for 517 ms without the kernel's part", r.Ticks)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "another machine") {
		t.Errorf("got notes %q, want one that says so", r.Notes)
	}
}

// With several processes the way is that of the loop that was last, and a worker that alone got the message late did not run.
func TestSeveralProcesses(t *testing.T) {
	s := quiet(0)
	feed := Message{Seq: s.message.Seq, Due: s.message.Due, Offered: s.message.Offered, Acked: s.message.Acked}
	s.message.Offered, s.message.Acked = 0, 0
	slow := s
	slow.message.Passes = slices.Clone(s.message.Passes)
	slow.delay(1)
	slow.message.Stored = s.message.Stored
	book := new(Book)
	book.Add(&Page{Processes: []Process{
		{Worker: "0", Messages: []Message{s.message}},
		{Worker: "1", Messages: []Message{slow.message}},
		{Worker: "supervisor", Messages: []Message{feed}},
		{Worker: "2", Error: "worker 2: timeout"},
	}})
	r := Judge(&Run{Book: book, Ticks: []Tick{slow.tick, {Seq: 9, Intended: 77}}, Objective: 100, Local: true})
	if len(r.Ticks) != 1 || r.Ticks[0].Worker != "1" || r.Ticks[0].Cause != OffCPU || r.Unknown != 1 {
		t.Errorf("got %+v, want worker 1 blamed for not running, and one tick unknown", r)
	}
	if p := r.Ticks[0].Parts; p[Feed] != 1 || p[Bus] != 1 {
		t.Errorf("got parts %v, want 1 ms for the feed, which the supervisor knows, and the bus", p)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "timeout") {
		t.Errorf("got notes %q, want the worker that did not answer", r.Notes)
	}
}

// A message that a loop found together with a newer one went with that one's pass. One that others published is late since it was
// stored.
func TestCarriedMessage(t *testing.T) {
	older, newer := quiet(0), quiet(1)
	older.message.Passes, older.message.Offered = nil, 0
	older.message.Stored = older.message.Due + 400*ms
	older.message.Received, older.message.Announced = older.message.Stored, older.message.Stored
	older.tick.Last = newer.tick.Last
	book := new(Book)
	book.Add(&Page{Processes: []Process{{Worker: "0", Messages: []Message{older.message, newer.message}}}})
	r := Judge(&Run{Book: book, Ticks: []Tick{older.tick}, Objective: 100, Local: true})
	p := r.Ticks[0].Parts
	if p[Feed] != 400 || p[OffCPU] != 604 || p[FanOut] != 10 || p[Unexplained] != 0 {
		t.Errorf("got parts %v, want 400 ms until it was stored and 604 ms until the next one's pass began", p)
	}
}

// Messages of another topic may be due at the same moment, and lie between a message and the one that brought it along.
func TestOtherTopics(t *testing.T) {
	older, newer, other := quiet(0), quiet(2), quiet(0)
	older.message.Passes = nil
	other.message.Seq, other.message.Topic = 101, "others"
	other.message.Passes = []Pass{{Loop: 7, Began: other.message.Due, Ended: other.message.Due + 9000*ms, Sends: 1}}
	older.tick.Last = newer.tick.Last
	book := new(Book)
	book.Add(&Page{Processes: []Process{{Worker: "0", Messages: []Message{older.message, other.message, newer.message}}}})
	r := Judge(&Run{Book: book, Ticks: []Tick{older.tick}, Objective: 100, Local: true})
	if v := r.Ticks[0]; v.Loop != 0 || v.Sends != 200 || v.Parts[FanOut] != 10 || v.Parts[Unexplained] != 0 {
		t.Errorf("got %+v, want the pass of the next message of the same topic", v)
	}
}

func TestBook(t *testing.T) {
	var b Book
	process := func(now int64, spent int64, ended ...int64) Page {
		p := Process{Worker: "0", Now: epoch + now, Loops: []Spent{{Reads: spent / 4, Work: spent / 4 * 3}}}
		for _, at := range ended {
			p.Collections = append(p.Collections, Collection{Ended: epoch + at, Pause: 2 * ms, Assist: ms})
		}
		return Page{Processes: []Process{p}}
	}
	for _, page := range []Page{
		process(0, 0, -5), process(1000*ms, 400*ms, -5, 500*ms, 600*ms), process(2000*ms, 500*ms, 600*ms), process(3000*ms, 0),
	} {
		b.Add(&page)
	}
	want := []Point{
		{At: time.Unix(0, epoch+1000*ms).UTC(), Worker: "0", Collections: 2, Pause: 4, Assist: 2, LoopBusy: 0.4, AcceptBusy: 0.1},
		{At: time.Unix(0, epoch+2000*ms).UTC(), Worker: "0", LoopBusy: 0.1, AcceptBusy: 0.025},
	}
	if !slices.Equal(b.points, want) { // the process that began anew is left out
		t.Errorf("got points\n%+v, want\n%+v", b.points, want)
	}
	for i := range 3 * maxMessages {
		b.Add(&Page{Processes: []Process{{Worker: "0", Messages: []Message{{Seq: uint64(i)}}}}})
	}
	if n := len(b.processes["0"].messages); n > maxMessages {
		t.Errorf("got %d messages, want at most %d", n, maxMessages)
	}
}

func TestNothingToJudge(t *testing.T) {
	if r := Judge(&Run{Ticks: []Tick{{Intended: 1}}}); r != nil {
		t.Errorf("got %+v without the gateway's records, want nothing", r)
	}
	if r := Judge(&Run{Ticks: []Tick{{Intended: 1}}, Book: new(Book)}); r != nil {
		t.Errorf("got %+v of ticks that the gateway does not know, want nothing", r)
	}
}

// The members of a page are named as the gateway writes them; those of the report as its readers expect.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(Verdict{Cause: Pause, Parts: Parts{Pause: 500}})
	if want := `"cause":"gc_pause"`; err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), `"parts_ms":{"gc_pause":500}`) {
		t.Errorf("got %s, %v, want %s and its part", text, err, want)
	}
}
