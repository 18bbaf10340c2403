package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tickgate/internal/load/blame"
	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

var begin = time.Unix(1_790_000_000, 0)

// sampleRun is a report with everything that a page can show, of so many seconds.
func sampleRun(seconds int) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Started: begin,
		Environment: report.Environment{
			Machine: sample.Machine{CPUs: 2, CPU: "Some CPU", Kernel: "Linux 6.18", Host: "h", Memory: 8e9}, Command: []string{"swarm", "it's"},
			System:   sample.System{Sysctls: []sample.Sysctl{{Name: "net.core.somaxconn", Value: "65535", Default: "4096"}}, Watched: 9},
			Programs: []sample.Program{{PIDs: []int{1, 2}, Command: []string{"gateway"}}},
		},
		Plan:        report.Plan{Requested: 1000, Planned: 1000, Targets: []string{"ws://h/ws"}, Rate: 100},
		Phases:      report.Phases{Zero: begin, HoldFrom: 10, HoldTo: float64(seconds)},
		Connections: report.Connections{Connected: 1000, AfterRamp: 1000, Failures: map[string]int64{"refused": 3}, Examples: []string{"refused: ws://h"}},
		Messages:    report.Messages{Received: 60000, PerSecond: 1000},
		Latency:     report.Quantiles{Count: 50000, P50: 20, P99: 80, Max: 99},
		Ticks:       report.Ticks{Count: 2}, Server: &report.Server{CPU: 5}, Gateway: &report.Gateway{},
		Asserts: []report.Verdict{{Clause: "p99<50ms", Got: "80ms"}, {Clause: "loss=0", Got: "0", OK: true}},
		Heat:    &report.Heat{Lowest: 0.01, Ratio: 1.122},
		Curves: []report.Curve{{Name: "ws", Count: 50000, Points: []report.CurvePoint{
			{Share: 0, Latency: 1}, {Share: 0.5, Latency: 20}, {Share: 0.99, Latency: 80}, {Share: 1, Latency: 99},
		}}},
		TickRows: []report.TickRow{{Seq: 1, At: 11, First: 2, Spread: 30, Count: 1000}, {Seq: 2, At: 12, First: 3, Spread: 20, Count: 1000}},
		Cost: &cost.Cost{Ends: 2, Lines: []cost.Line{
			{Name: cost.PSS, Side: cost.User, BytesPerConn: 200, Low: 180, High: 220, Fixed: 1e7, Points: 3, Known: true},
			{Name: cost.Queues, Side: cost.Kernel, Points: 3, Note: "too few samples to tell"},
		}},
		Blame: &blame.Report{
			Objective: 50, Judged: 2, Slow: 1, Causes: map[blame.Cause]int{blame.Pause: 1},
			Ticks:   []blame.Verdict{{Seq: 1, Intended: begin.Add(11 * time.Second), Late: 60, Cause: blame.Pause, Parts: blame.Parts{blame.Pause: 40, blame.FanOut: 20}, Worker: "0"}},
			Gateway: []blame.Point{{At: begin.Add(time.Second), Worker: "0", LoopBusy: 0.2}, {At: begin.Add(2 * time.Second), Worker: "0", Pause: 3, LoopBusy: 0.4}},
		},
	}
	for i, conns := range []int{0, 300, 600, 1000} {
		bytes := map[string]int64{cost.PSS: 1e7 + int64(conns)*200, cost.Queues: 4096}
		r.Cost.Samples = append(r.Cost.Samples, cost.Sample{At: float64(i), Conns: conns, Sockets: 2 * conns, Bytes: bytes})
	}
	for s := range seconds {
		r.Series = append(r.Series, report.Point{At: float64(s + 1), Connected: min(100*(s+1), 1000), Opened: 100, Messages: 1000, P50: 20, P99: 80, Max: 99, Server: 0.4, Swarm: 0.2})
	}
	for s := range min(seconds, 600) {
		r.Heat.Columns = append(r.Heat.Columns, report.HeatColumn{From: float64(s), To: float64(s + 1), First: 60, Counts: []int64{1, 500, 0, 499}})
	}
	r.Check(nil)
	return r
}

func write(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// walk calls f for every element of a page.
func walk(t *testing.T, text string, f func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			f(n)
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestPageHasItsParts(t *testing.T) {
	text := write(t, sampleRun(60))
	figures, tiles, classes := map[string]bool{}, 0, map[string]int{}
	walk(t, text, func(n *html.Node) {
		if n.Data == "figure" {
			figures[attribute(n, "id")] = true
		}
		class := attribute(n, "class")
		classes[class]++
		if strings.HasPrefix(class, "tile ") {
			tiles++
		}
	})
	for _, id := range []string{"timeline", "percentiles", "ticks", "ramp", "memory"} {
		if !figures[id] {
			t.Errorf("got no figure %s in %v", id, figures)
		}
	}
	if tiles != 6 || classes["tile bad"] != 1 {
		t.Errorf("got %d tiles, %d of them bad, want 6 with the p99 that was asserted", tiles, classes["tile bad"])
	}
	for _, want := range []string{
		"not met: p99&lt;50ms", "GC pause: 1 tick", "net.<wbr>core.<wbr>somaxconn", "swarm &#39;it&#39;\\&#39;&#39;s&#39;", "200 B (180 B to 220 B) per connection",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in the page", want)
		}
	}
}

// TestLabelsHaveRoom: a panel's title stands between the lowest number of the axis above and the highest of its own.
func TestLabelsHaveRoom(t *testing.T) {
	const text, above, apart = 11.5, 11, 4.0 // the style's font, the template's dy, and how far a number reaches from its line
	if title := headroom - above; title-text < apart || headroom-apart < title {
		t.Errorf("got titles from %.1f to %d below a panel, %.0f above the next one", title-text, int(title), headroom)
	}
	for _, part := range []string{fmt.Sprintf("dy=\"-%d\">{{.Label}}", above), "{ font-size: 11.5px"} {
		if !strings.Contains(source+style, part) {
			t.Errorf("got no %q: the measures above are others", part)
		}
	}
	if strings.Contains(style, "svg { min-width") {
		t.Error("got pictures that are wider than a narrow page, and scroll the newest part out of sight")
	}
}

// TestReasonIsSaidOnce: what limited the run is not repeated below the reasons for its status.
func TestReasonIsSaidOnce(t *testing.T) {
	r := sampleRun(60)
	r.Summary.Because = "numbers that say so"
	if !strings.Contains(write(t, r), "<p class=\"because\">Numbers that say so.") {
		t.Error("got no numbers for the limit")
	}
	r.Summary.Reasons = append(r.Summary.Reasons, r.Summary.Because)
	if strings.Contains(write(t, r), "<p class=\"because\">") {
		t.Error("got the same text as a reason and below")
	}
}

// TestMemoryTile: the number comes with how sure it is, and never from a slope that could be chance.
func TestMemoryTile(t *testing.T) {
	r := sampleRun(60)
	r.Server.PerConn = 346
	if got := perConnection(r); got.Value != "200 B" || !strings.Contains(got.Note, "slope of the ramp, 95 %: 180 B to 220 B") {
		t.Errorf("got %+v, want the slope with its interval", got)
	}
	r.Cost.Lines[0].BytesPerConn, r.Cost.Lines[0].Low, r.Cost.Lines[0].High = 257, -16_471, 16_986
	if got := perConnection(r); got.Value != "346 B" || !strings.Contains(got.Note, "growth / connections: the ramp's slope cannot be told from chance") {
		t.Errorf("got %+v, want the growth, as the slope could be chance", got)
	}
	r.Cost.Lines[0].Known, r.Cost.Lines[0].Note = false, "too few samples to tell"
	if got := perConnection(r); got.Value != "346 B" || !strings.Contains(got.Note, "too few samples") {
		t.Errorf("got %+v, want the growth and why there is no slope", got)
	}
}

// TestPageNeedsNothing: nothing is fetched from anywhere.
func TestPageNeedsNothing(t *testing.T) {
	text := write(t, sampleRun(60))
	walk(t, text, func(n *html.Node) {
		for _, name := range []string{"src", "href", "action", "srcset", "data", "poster"} {
			if v := attribute(n, name); v != "" && v != "data:," {
				t.Errorf("got <%s %s=%q>, want no reference", n.Data, name, v)
			}
		}
	})
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") || strings.Contains(script, "fetch(") {
		t.Error("style or script load something")
	}
}

func TestPageHoldsTheDocument(t *testing.T) {
	r := sampleRun(60)
	r.Notes = []string{"</script><!--<script> & \u2028"}
	var embedded string
	walk(t, write(t, r), func(n *html.Node) {
		if attribute(n, "id") == "data" {
			embedded = n.FirstChild.Data
		}
	})
	var back report.Report
	if err := json.Unmarshal([]byte(embedded), &back); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(&back)
	want, _ := json.Marshal(r)
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes that are not the %d of the report", len(got), len(want))
	}
}

// TestHostileTexts: what a server, a target or a command line says stays text.
func TestHostileTexts(t *testing.T) {
	plain, hostile := map[string]int{}, map[string]int{}
	walk(t, write(t, sampleRun(60)), func(n *html.Node) { plain[n.Data]++ })
	r := sampleRun(60)
	for i, evil := range []string{`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><svg onload=alert(1)>`} {
		r.Notes = append(r.Notes, evil)
		r.Plan.Targets = append(r.Plan.Targets, "ws://h/"+evil)
		r.Environment.Command = append(r.Environment.Command, evil)
		r.Environment.Programs[0].Command = append(r.Environment.Programs[0].Command, evil)
		r.Connections.Examples[0] += evil
		r.Environment.CPU += evil
		r.Environment.Sysctls[0].Value += evil
		r.Curves[0].Name += evil
		r.Blame.Ticks[0].Worker += evil
		r.Blame.Notes = append(r.Blame.Notes, evil)
		r.Phases.Stopped += evil
		r.Summary.Headline += evil
		if i == 0 {
			r.Connections.Failures[evil] = 1
		}
	}
	walk(t, write(t, r), func(n *html.Node) {
		hostile[n.Data]++
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("got a handler %s on <%s>", a.Key, n.Data)
			}
		}
	})
	for _, name := range []string{"script", "img", "svg", "style"} {
		if plain[name] != hostile[name] {
			t.Errorf("got %d <%s>, want %d", hostile[name], name, plain[name])
		}
	}
}

// TestPageOfNothing: a run in which nothing was measured has a page too, without numbers that are none.
func TestPageOfNothing(t *testing.T) {
	half := sampleRun(60)
	half.Heat, half.Cost, half.Blame, half.Server, half.Gateway, half.Curves, half.TickRows = nil, nil, nil, nil, nil, nil, nil
	silent := sampleRun(1)
	silent.Messages, silent.Latency = report.Messages{}, report.Quantiles{}
	for name, r := range map[string]*report.Report{"zero": {}, "half": half, "one second": silent} {
		if text := write(t, r); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: got a number that is none", name)
		}
	}
}

var numbers = regexp.MustCompile(`-?[0-9.]+`)

// TestPicturesAreBounded: a day of seconds is drawn within the picture, and with as many elements as an hour.
func TestPicturesAreBounded(t *testing.T) {
	r := sampleRun(86_400)
	c := timeline(r)
	size := 0
	for _, p := range c.Panels {
		for _, s := range p.Shapes {
			size += len(s.D)
			for _, text := range numbers.FindAllString(s.D, -1) {
				if v, err := strconv.ParseFloat(text, 64); err != nil || math.Abs(v) > wide {
					t.Fatalf("got %s in a path, want a position in the picture", text)
				}
			}
		}
	}
	if size > 200_000 || len(c.hover) > columns+1 {
		t.Errorf("got %d bytes of paths and %d texts, want at most 200,000 and %d", size, len(c.hover), columns+1)
	}
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{short(100_000), "100k"},
		{short(1_500_000), "1.5M"},
		{short(0.25), "0.25"},
		{millis(0.05), "50 µs"},
		{millis(1500), "1.5 s"},
		{bytesOf(8380), "8.38 kB"},
		{bytesOf(-12), "-12 B"},
		{clock(90), "90 s"},
		{lasting(0.00019), "0.2 ms"},
		{lasting(600), "10 min"},
		{strings.Join(pieces("net.ipv4.tcp_max_syn_backlog"), "|"), "net.|ipv4.|tcp_|max_|syn_|backlog"},
		{strings.Join(pieces("Host"), "|"), "Host"},
		{clock(600), "10 min"},
		{percent(0.0003), "0.03 %"},
		{nine(0), "0 %"},
		{nine(1), "90 %"},
		{nine(2), "99 %"},
		{nine(3), "99.9 %"},
		{nine(5), "99.999 %"},
		{nine(math.Inf(1)), "100 %"},
		{command([]string{"a", "b c", "it's", ""}), `a 'b c' 'it'\''s' ''`},
		{sentence("ärger"), "Ärger"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if got := fmt.Sprint(shadeOf(0), shadeOf(0.0005), shadeOf(1)); got != "0 1 7" {
		t.Errorf("got shades %s, want 0 1 7", got)
	}
}
