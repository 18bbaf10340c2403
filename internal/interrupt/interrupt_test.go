package interrupt

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEcho: what timeout(1) sends is one wish; a signal later is another one.
func TestEcho(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signals, out, done := make(chan os.Signal), make(chan os.Signal, 2), make(chan struct{})
		go relay(signals, out, done)
		defer close(done)
		signals <- syscall.SIGTERM
		time.Sleep(Echo / 2)
		signals <- syscall.SIGTERM
		synctest.Wait()
		if got, want := len(out), 1; got != want {
			t.Errorf("after an echo: got %d wishes, want %d", got, want)
		}
		time.Sleep(Echo)
		signals <- syscall.SIGINT
		synctest.Wait()
		if got, want := len(out), 2; got != want {
			t.Fatalf("after another signal: got %d wishes, want %d", got, want)
		}
		if first, second := <-out, <-out; first != syscall.SIGTERM || second != syscall.SIGINT {
			t.Errorf("got %v and %v, want SIGTERM and SIGINT", first, second)
		}
	})
}

// TestNotify: a real signal arrives, and no goroutine is left.
func TestNotify(t *testing.T) {
	wishes, stop := Notify()
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-wishes; got != syscall.SIGTERM {
		t.Errorf("got %v, want SIGTERM", got)
	}
}
