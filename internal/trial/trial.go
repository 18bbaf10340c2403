package trial

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	// tries is how often a test is made at most, the last time with the outer test's own T.
	tries = 4
	// growth is how much longer the unit of the next try is: three tries later it is 27 times as long, and a stop of seconds is short.
	growth = 3
)

// Grow runs test with unit, and again with longer units while it fails; the last try decides. What a failed try has said is logged. The test must
// report through the TB that it is given, not through the outer one, and start anew whatever it needs. Its clean-ups run before the next try.
func Grow(t *testing.T, unit time.Duration, test func(t testing.TB, unit time.Duration)) {
	t.Helper()
	for try := 1; try < tries; try++ {
		if once(t, func(t testing.TB) { test(t, unit) }) {
			return
		}
		t.Logf("try %d of %d failed with a unit of %v", try, tries, unit)
		unit *= growth
	}
	test(t, unit)
}

// Again runs a test whose measure cannot grow, such as the cause that was found for one delay, up to four times; the last try decides.
func Again(t *testing.T, test func(t testing.TB)) {
	t.Helper()
	for try := 1; try < tries; try++ {
		if once(t, test) {
			return
		}
		t.Logf("try %d of %d failed", try, tries)
	}
	test(t)
}

// once reports whether a test passed.
func once(t *testing.T, test func(testing.TB)) bool {
	ctx, cancel := context.WithCancel(t.Context())
	a := &attempt{TB: t, ctx: ctx}
	a.run(func() { test(a) })
	cancel()
	for f := a.pop(); f != nil; f = a.pop() {
		a.run(f)
	}
	return !a.Failed()
}

// attempt is a TB whose failures are those of a try. Safe for concurrent use.
type attempt struct {
	testing.TB
	ctx context.Context //nolint:containedctx // Context has to return it

	mu       sync.Mutex
	failed   bool     // guarded by mu
	cleanups []func() // guarded by mu
}

// run calls f on a goroutine of its own, which FailNow may end.
func (a *attempt) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (a *attempt) pop() func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := len(a.cleanups) - 1
	if n < 0 {
		return nil
	}
	f := a.cleanups[n]
	a.cleanups = a.cleanups[:n]
	return f
}

// Cleanup calls f after the try, the last one first.
func (a *attempt) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanups = append(a.cleanups, f)
}

// Context is canceled before the try's clean-ups.
func (a *attempt) Context() context.Context { return a.ctx }

// Failed reports whether the try has failed, whatever happened to others.
func (a *attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// Fail marks the try as failed.
func (a *attempt) Fail() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = true
}

// FailNow ends the try.
func (a *attempt) FailNow() {
	a.Fail()
	runtime.Goexit()
}

// Error logs and fails the try.
func (a *attempt) Error(args ...any) {
	a.Helper()
	a.Log(fmt.Sprint("in this try: ", fmt.Sprint(args...)))
	a.Fail()
}

// Errorf logs and fails the try.
func (a *attempt) Errorf(format string, args ...any) {
	a.Helper()
	a.Error(fmt.Sprintf(format, args...))
}

// Fatal logs and ends the try.
func (a *attempt) Fatal(args ...any) {
	a.Helper()
	a.Error(args...)
	runtime.Goexit()
}

// Fatalf logs and ends the try.
func (a *attempt) Fatalf(format string, args ...any) {
	a.Helper()
	a.Fatal(fmt.Sprintf(format, args...))
}
