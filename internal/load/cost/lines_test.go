package cost

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// measured returns samples of a ramp as a swarm takes them: the proportional memory and the page only now and then.
func measured(n, conns int) (samples []Sample) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		x := i * conns / (n - 1)
		s := Sample{At: float64(i) / 10, Conns: x, Sockets: 2*x + 5000, Bytes: map[string]int64{
			RSS: 40e6 + 250*int64(x), Queues: 8192 + int64(r.IntN(4096)), Objects: 50e6 + 8000*int64(x),
			SlabPrefix + "TCP": 1e6 + 5000*int64(x), SlabPrefix + "filp": 1e6 + 400*int64(x), SlabPrefix + "idle": 3e6, SlabPrefix + "busy": 4e6 - int64(x),
		}}
		if i%4 == 0 {
			s.Bytes[PSS] = 30e6 + 240*int64(x)
		}
		samples = append(samples, s)
	}
	return samples
}

func TestCompute(t *testing.T) {
	c := Compute(measured(60, 20_000), 2)
	for name, want := range map[string]struct{ slope, fixed float64 }{
		PSS: {240, 30e6}, RSS: {250, 40e6}, Objects: {8000, 30e6}, SlabPrefix + "TCP": {5000, -11.5e6}, SlabPrefix + "filp": {400, 0},
	} {
		l := c.Line(name)
		if l == nil || !l.Known {
			t.Errorf("%s: got %+v, want a line", name, l)
			continue
		}
		if math.Abs(l.BytesPerConn-want.slope) > 1 || math.Abs(l.Fixed-want.fixed) > 1e4 || l.Low > want.slope || l.High < want.slope-1 {
			t.Errorf("%s: got %+v, want %v", name, l, want)
		}
	}
	if l := c.Line(Queues); l == nil || !strings.Contains(l.Note, "no growth") {
		t.Errorf("got %+v for queues, want a note that they do not grow", l)
	}
	if c.Line(SlabPrefix+"idle") != nil || c.Line(OtherSlab) == nil || c.Line(Live) != nil {
		t.Errorf("got lines %+v, want what hardly grows in one line, and none for what was not read", c.Lines)
	}
	if (*Cost)(nil).Line(PSS) != nil || Compute(nil, 1) != nil {
		t.Error("no samples have lines")
	}
}

func TestTooFew(t *testing.T) {
	for _, tt := range []struct {
		samples, conns int
		want           string
	}{{5, 20_000, "too few samples"}, {60, 500, "too few connections"}} {
		l := Compute(measured(tt.samples, tt.conns), 2).Line(RSS)
		if l.Known || l.BytesPerConn != 0 || !strings.Contains(l.Note, tt.want) {
			t.Errorf("%d samples up to %d: got %+v, want %s", tt.samples, tt.conns, l, tt.want)
		}
	}
	same := make([]Point, 10)
	for i := range same {
		same[i].X = 5000 * float64(i/9)
	}
	if _, why := FitLine(same); why == "" {
		t.Error("nine samples at the same place and one elsewhere make a line with an interval")
	}
}

func TestUneven(t *testing.T) {
	p := ramp(40, 20_000, 10, 20_000, make([]float64, 40))
	for i := range p {
		if p[i].Y = 1e6; i >= 20 {
			p[i].Y = 2e6
		}
	}
	if l := fitted("x", User, p); !strings.Contains(l.Note, "unevenly") && !strings.Contains(l.Note, "no growth") {
		t.Errorf("got %+v for a single step, want doubt", l)
	}
}

func TestThin(t *testing.T) {
	samples := measured(1000, 20_000)
	kept := thin(samples)
	if len(kept) > 2*maxSamples+len(samples)/4 || kept[0].Conns != 0 || kept[len(kept)-1].Conns != 20_000 {
		t.Errorf("got %d samples from %d to %d", len(kept), kept[0].Conns, kept[len(kept)-1].Conns)
	}
	dear := func(samples []Sample) (n int) {
		for _, s := range samples {
			if _, ok := s.Bytes[PSS]; ok {
				n++
			}
		}
		return n
	}
	if got, want := dear(kept), dear(samples); got != want {
		t.Errorf("got %d samples of proportional memory, want all %d", got, want)
	}
}

func ExampleCompute() {
	c := Compute(measured(60, 20_000), 2)
	l := c.Line(SlabPrefix + "TCP")
	fmt.Printf("%.0f bytes for each end\n", l.BytesPerConn/float64(c.Ends))
	// Output: 2500 bytes for each end
}
