package prefork_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/prefork"
)

// envRole makes the test binary run as something else than the tests.
const envRole = "PREFORK_TEST_ROLE"

// orders are the settings that the tests give to their workers.
type orders struct {
	Mode   string // see work
	Secret string
}

func TestMain(m *testing.M) {
	switch {
	case prefork.IsChild():
		os.Exit(work())
	case os.Getenv(envRole) == "supervisor":
		os.Exit(superviseUntilKilled())
	}
	goleak.VerifyTestMain(m)
}

// work is the main function of the tests' workers.
func work() int {
	child, err := prefork.Join()
	if err != nil {
		fmt.Println("join:", err)
		return 1
	}
	var o orders
	if err := child.Settings(&o); err != nil {
		fmt.Println(err)
		return 1
	}
	switch o.Mode {
	case "early": // ends before it is ready
		fmt.Println("cannot listen")
		return 3
	case "unready": // never becomes ready
		time.Sleep(time.Hour)
	case "once": // ends with its number as status
		fmt.Print("result ", child.ID())
		_ = child.Ready()
		return child.ID()
	case "stubborn": // does not drain
		signal.Ignore(syscall.SIGTERM)
		return serve(child, o, nil)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	return serve(child, o, stop)
}

func serve(child *prefork.Child, o orders, stop <-chan os.Signal) int {
	mux := http.NewServeMux()
	mux.HandleFunc("/whoami", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d %d %s", child.ID(), os.Getpid(), o.Secret)
	})
	mux.HandleFunc("/environ", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%q %q", os.Args, os.Environ())
	})
	mux.HandleFunc("/descriptors", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, countDescriptors()) })
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	mux.HandleFunc("/print", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(os.Stdout, r.Body) })
	mux.HandleFunc("/exhaust", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, exhaust()) })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, "result", i)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	go func() {
		<-stop
		os.Exit(0)
	}()
	if err := child.Ready(); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := child.Serve(mux); err != nil {
		fmt.Println(err)
		return 1
	}
	<-child.Gone()
	return 0
}

// exhaust takes all descriptors that the process may still open, and keeps them.
func exhaust() error {
	for {
		if _, err := syscall.Dup(0); err != nil {
			return err
		}
	}
}

// superviseUntilKilled is the main function of a supervisor that a test kills. While it runs, it ends operating
// system threads: the workers must survive that.
func superviseUntilKilled() int {
	s, err := prefork.Start(context.Background(), prefork.Config{Workers: 3, Output: io.Discard})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := s.WaitReady(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	for range 50 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		}()
		<-done
	}
	for _, w := range s.Workers() {
		fmt.Print(w.Status().PID, " ")
	}
	fmt.Println()
	return errors2status(s.Wait())
}

func errors2status(err error) int {
	if err != nil && !errors.Is(err, context.Canceled) {
		return 1
	}
	return 0
}

// countDescriptors returns how many descriptors this process has open.
func countDescriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// eventually polls ok until it holds, for at most 10 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// get returns what w answers to path.
func get(t *testing.T, w *prefork.Worker, path string) string {
	t.Helper()
	resp, err := w.Client().Get(prefork.BaseURL + path)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return string(body)
}

// alive reports whether process pid runs; a zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
