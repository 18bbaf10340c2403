package trial

import (
	"slices"
	"testing"
	"time"
)

func TestUnitsGrowUntilItPasses(t *testing.T) {
	var units []time.Duration
	var order []string
	Grow(t, time.Second, func(t testing.TB, unit time.Duration) {
		units = append(units, unit)
		t.Cleanup(func() { order = append(order, "first") })
		t.Cleanup(func() {
			if unit == time.Second {
				t.Fatal("in a clean-up")
			}
			order = append(order, "second")
		})
		if unit == 3*time.Second {
			t.Fatalf("too short: %v", unit)
			units = nil
		}
		if err := t.Context().Err(); err != nil {
			t.Errorf("got %v, want a context that lives", err)
		}
	})
	if want := []time.Duration{time.Second, 3 * time.Second, 9 * time.Second}; !slices.Equal(units, want) {
		t.Errorf("got units %v, want %v", units, want)
	}
	if want := []string{"first", "second", "first", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("got clean-ups %v, want %v", order, want)
	}
}

func TestTheLastTryDecides(t *testing.T) {
	n := 0
	Again(t, func(inner testing.TB) {
		n++
		if _, own := inner.(*testing.T); own != (n == tries) {
			t.Errorf("try %d: got the outer T: %v", n, own)
		}
		if n < tries {
			inner.Error("not yet")
			if !inner.Failed() {
				t.Error("got a try that has not failed")
			}
		}
	})
	if n != tries || t.Failed() {
		t.Errorf("got %d tries, want %d and no failure", n, tries)
	}
}
