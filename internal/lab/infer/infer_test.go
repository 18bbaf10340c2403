package infer_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"tickgate/internal/lab/infer"
)

// Hollander and Wolfe (1973), p. 29, the example of R's wilcox.test: V = 40, p = 0.03906.
func TestPublishedExample(t *testing.T) {
	x := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	y := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	e := infer.Compute(d)
	if math.Abs(e.P-0.0390625) > 1e-9 {
		t.Errorf("got p = %v, want 0.0390625", e.P)
	}
	if !(e.Low > 0 && e.Low <= e.Estimate && e.Estimate <= e.High) {
		t.Errorf("got estimate %v in [%v, %v], want it inside and above zero", e.Estimate, e.Low, e.High)
	}
}

func TestFewBlocks(t *testing.T) {
	for n := range 9 {
		d := make([]float64, n)
		for i := range d {
			d[i] = 1 + float64(i)
		}
		e := infer.Compute(d)
		wantP := min(1, 2/math.Exp2(float64(n)))
		if math.Abs(e.P-wantP) > 1e-12 {
			t.Errorf("%d blocks: got p = %v, want %v", n, e.P, wantP)
		}
		if bounded := !math.IsInf(e.Low, 0); bounded != (n >= 6) {
			t.Errorf("%d blocks: got bounded = %v, want it from 6 blocks on", n, bounded)
		}
	}
}

// TestBruteForce compares p with the enumeration of all sign changes, with ties and zeros among the differences.
func TestBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		d := make([]float64, 1+rng.IntN(10))
		for i := range d {
			d[i] = float64(rng.IntN(9) - 4)
		}
		if got, want := infer.Compute(d).P, bruteForce(d); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: got p = %v, want %v", d, got, want)
		}
	}
}

func bruteForce(d []float64) float64 {
	ranks := make([]float64, len(d))
	for i, x := range d {
		for _, y := range d {
			switch {
			case x == 0 || y == 0:
			case math.Abs(y) < math.Abs(x):
				ranks[i]++
			case math.Abs(y) == math.Abs(x):
				ranks[i] += 0.5
			}
		}
		if x != 0 {
			ranks[i] += 0.5
		}
	}
	statistic := func(sign func(i int) float64) (s float64) {
		for i, r := range ranks {
			s += r * sign(i)
		}
		return math.Abs(s)
	}
	observed := statistic(func(i int) float64 { return math.Copysign(1, d[i]) })
	extreme := 0
	for signs := range 1 << len(d) {
		if statistic(func(i int) float64 { return float64(signs>>i&1)*2 - 1 }) >= observed {
			extreme++
		}
	}
	return float64(extreme) / float64(int(1)<<len(d))
}

// TestDuality: the interval holds exactly the shifts that the test does not reject.
func TestDuality(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		d := make([]float64, 6+rng.IntN(15))
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		e := infer.Compute(d)
		shifted := func(by float64) float64 {
			s := make([]float64, len(d))
			for i := range d {
				s[i] = d[i] - by
			}
			return infer.Compute(s).P
		}
		const step, alpha = 1e-9, 1 - infer.Level
		if p := shifted(e.Low + step); p <= alpha {
			t.Errorf("got p = %v just inside the lower end, want it not rejected", p)
		}
		if p := shifted(e.Low - step); p > alpha {
			t.Errorf("got p = %v just outside the lower end, want it rejected", p)
		}
		if p := shifted(e.High - step); p <= alpha {
			t.Errorf("got p = %v just inside the upper end, want it not rejected", p)
		}
		if p := shifted(e.High + step); p > alpha {
			t.Errorf("got p = %v just outside the upper end, want it rejected", p)
		}
	}
}

// TestCoverage: the interval holds the true effect at least as often as it says, for heavy tails too.
func TestCoverage(t *testing.T) {
	shapes := map[string]func(*rand.Rand) float64{
		"normal": func(r *rand.Rand) float64 { return r.NormFloat64() },
		"cauchy": func(r *rand.Rand) float64 { return r.NormFloat64() / r.NormFloat64() },
		"coarse": func(r *rand.Rand) float64 { return math.Round(r.NormFloat64() * 3) },
	}
	const rounds, truth = 4000, 2.0
	for name, noise := range shapes {
		rng := rand.New(rand.NewPCG(5, 6))
		held := 0
		for range rounds {
			d := make([]float64, 10)
			for i := range d {
				d[i] = truth + noise(rng)
			}
			if e := infer.Compute(d); e.Low <= truth && truth <= e.High {
				held++
			}
		}
		slack := 3 * math.Sqrt(infer.Level*(1-infer.Level)/rounds)
		if share := float64(held) / rounds; share < infer.Level-slack {
			t.Errorf("%s: got coverage %.4f, want at least %.2f", name, share, infer.Level)
		}
	}
}

func TestHolm(t *testing.T) {
	tests := []struct{ p, want []float64 }{
		{nil, nil},
		{[]float64{0.03}, []float64{0.03}},
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{[]float64{0.5, 0.9}, []float64{1, 1}},
	}
	for _, tt := range tests {
		got := infer.Holm(tt.p)
		for i := range got {
			if math.Abs(got[i]-tt.want[i]) > 1e-12 {
				t.Errorf("Holm(%v): got %v, want %v", tt.p, got, tt.want)
				break
			}
		}
	}
}

func TestJudge(t *testing.T) {
	inf := math.Inf(1)
	tests := []struct {
		name      string
		low, high float64
		p         float64
		want      infer.Verdict
	}{
		{"within", -0.02, 0.03, 0.8, infer.None},
		{"distinct but too small to matter", 0.01, 0.03, 0.001, infer.None},
		{"distinct", 0.01, 0.2, 0.001, infer.Differs},
		{"distinct downwards", -0.2, -0.01, 0.001, infer.Differs},
		{"distinct until corrected", 0.01, 0.2, 0.06, infer.Inconclusive},
		{"wide", -0.2, 0.2, 0.9, infer.Inconclusive},
		{"no interval", -inf, inf, 0.25, infer.Inconclusive},
	}
	for _, tt := range tests {
		e := infer.Effect{Low: tt.low, High: tt.high}
		if got := e.Judge(tt.p, -0.05, 0.05); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestNeeded: the number it gives is enough, and half of it is not.
func TestNeeded(t *testing.T) {
	const spread, size, tests, rounds = 0.10, 0.05, 3, 400
	n := infer.Effect{Spread: spread}.Needed(size, tests)
	found := func(blocks int, truth float64, want infer.Verdict) float64 {
		rng := rand.New(rand.NewPCG(7, 8))
		hits := 0
		for range rounds {
			d := make([]float64, blocks)
			for i := range d {
				d[i] = truth + spread*rng.NormFloat64()
			}
			e := infer.Compute(d)
			if e.Judge(e.P*tests, -size, size) == want {
				hits++
			}
		}
		return float64(hits) / rounds
	}
	if share := found(n, size, infer.Differs); share < 0.74 {
		t.Errorf("%d blocks: found %.2f of the effects, want about 0.8", n, share)
	}
	if share := found(n, 0, infer.None); share < 0.74 {
		t.Errorf("%d blocks: called %.2f of no effects none, want about 0.8", n, share)
	}
	if share := found(n/2, size, infer.Differs); share > 0.74 {
		t.Errorf("%d blocks: found %.2f of the effects, want fewer than with enough blocks", n/2, share)
	}
}

func TestMinBlocks(t *testing.T) {
	for tests, want := range map[int]int{1: 6, 2: 7, 3: 7, 4: 8, 6: 8, 12: 9} {
		n := infer.MinBlocks(tests)
		if n != want {
			t.Errorf("%d tests: got %d blocks, want %d", tests, n, want)
		}
		if p := 2 / math.Exp2(float64(n)) * float64(tests); p > 1-infer.Level {
			t.Errorf("%d tests: got %d blocks, which cannot reach p = %v", tests, n, p)
		}
	}
}

func TestSummarise(t *testing.T) {
	s := infer.Summarise([]float64{5, 1, 4, 2, 3, 6})
	if s.Median != 3.5 || s.Low != 1 || s.High != 6 {
		t.Errorf("got %+v, want median 3.5 in [1, 6]", s)
	}
	if s := infer.Summarise([]float64{1, 2, 3}); s.Median != 2 || !math.IsInf(s.High, 1) {
		t.Errorf("got %+v, want no interval of three values", s)
	}
}
