package plot

import (
	"math"
	"slices"
	"testing"
)

func TestAxis(t *testing.T) {
	tests := []struct {
		name      string
		low, high float64
		want      []float64
	}{
		{"round", 0, 100, []float64{0, 25, 50, 75, 100}},
		{"grows to round ends", 3, 97, []float64{0, 25, 50, 75, 100}},
		{"small", 0.011, 0.019, []float64{0.01, 0.012, 0.014, 0.016, 0.018, 0.02}},
		{"one value", 100, 100, []float64{95, 97.5, 100, 102.5, 105}},
		{"zero alone", 0, 0, []float64{-1, -0.5, 0, 0.5, 1}},
		{"nothing", math.Inf(1), math.Inf(-1), []float64{0, 0.25, 0.5, 0.75, 1}},
	}
	for _, tt := range tests {
		got := NewAxis(tt.low, tt.high, 4).Ticks()
		if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := Inside(3, 97, 4); !slices.Equal(got, []float64{25, 50, 75}) {
		t.Errorf("got %v inside 3 to 97, want 25, 50, 75", got)
	}
}

func TestDecades(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      []float64
	}{
		{1, 10, []float64{1, 2, 5, 10}},
		{3, 60, []float64{5, 10, 20, 50}},
		{1, 1e3, []float64{1, 3, 10, 30, 100, 300, 1000}},
		{1, 1e6, []float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}},
	} {
		got := Decades(tt.low, tt.high, 8)
		if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a/b-1) < 1e-9 }) {
			t.Errorf("%v to %v: got %v, want %v", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestScale(t *testing.T) {
	down := Linear(0, 10, 100, 0)
	if down.At(2.5) != 75 || down.At(20) != -100 || down.Clip(20) != 0 || down.Clip(-1) != 100 {
		t.Errorf("got %v %v %v %v, want 75 -100 0 100", down.At(2.5), down.At(20), down.Clip(20), down.Clip(-1))
	}
	log := Log(1, 100, 0, 200)
	if got := log.At(10); math.Abs(float64(got)-100) > 1e-9 {
		t.Errorf("got %v, want 100", got)
	}
	if log.At(0) != 0 || Linear(5, 5, 3, 9).At(5) != 3 {
		t.Error("got other than the beginning for what has no position")
	}
}

func TestPath(t *testing.T) {
	var p Path
	p.To(1, 2)
	p.To(3.14159, -0.01)
	p.Rect(0, 1, 2, 3)
	if got, want := p.String(), "M1 2L3.1 0M0 1h2v3h-2Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
