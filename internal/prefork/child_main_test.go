package prefork_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/prefork"
)

// orders are the settings that the tests give to their workers.
type orders struct {
	Mode   string // see work
	Secret string
}

// work is the main function of the tests' workers; it returns the exit status.
func work() int {
	child, err := prefork.Join()
	if err != nil {
		return complain(err)
	}
	var o orders
	if err := child.Settings(&o); err != nil {
		return complain(err)
	}
	switch o.Mode {
	case "early": // ends before it is ready
		fmt.Println("cannot listen")
		return 3
	case "unready": // never becomes ready
		time.Sleep(time.Hour)
	case "once": // ends with its number as status
		fmt.Print("result ", child.ID())
		if err := child.Ready(); err != nil {
			return complain(err)
		}
		return child.ID()
	case "inherit": // prints what it inherited
		if _, err := io.Copy(os.Stdout, child.ExtraFile(0)); err != nil {
			return complain(err)
		}
		if err := child.Ready(); err != nil {
			return complain(err)
		}
		return 0
	case "stubborn": // does not drain
		signal.Ignore(syscall.SIGTERM)
		return serve(child, o, nil)
	case "immortal": // the kernel does not end it with its supervisor
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0); err != nil {
			return complain(err)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	return serve(child, o, stop)
}

func complain(err error) int {
	fmt.Println(err)
	return 1
}

// serve is a worker that answers until stop or until its supervisor is gone.
func serve(child *prefork.Child, o orders, stop <-chan os.Signal) int {
	go func() {
		<-stop
		os.Exit(0)
	}()
	if err := child.Ready(); err != nil {
		return complain(err)
	}
	if err := child.Serve(handler(child, o)); err != nil {
		return complain(err)
	}
	<-child.Gone()
	return 0
}

func handler(child *prefork.Child, o orders) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/whoami", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d %d %s", child.ID(), os.Getpid(), o.Secret)
	})
	mux.HandleFunc("/environ", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%q %q", os.Args, os.Environ())
	})
	mux.HandleFunc("/even", func(w http.ResponseWriter, r *http.Request) {
		if child.ID()%2 == 1 {
			http.NotFound(w, r)
		}
	})
	mux.HandleFunc("/descriptors", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, countDescriptors()) })
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
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
	return mux
}

// exhaust takes all descriptors that the process may still open, and keeps them.
func exhaust() error {
	for {
		if _, err := syscall.Dup(0); err != nil {
			return err
		}
	}
}

// countDescriptors returns how many descriptors this process has open.
func countDescriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// superviseUntilKilled is the main function of a supervisor that a test kills. While it runs, it ends operating
// system threads: the workers must survive that.
func superviseUntilKilled(mode string) int {
	s, err := prefork.Start(context.Background(), prefork.Config{
		Workers:  3,
		Output:   io.Discard,
		Settings: func(int) (any, error) { return orders{Mode: mode}, nil },
	})
	if err != nil {
		return complain(err)
	}
	if err := s.WaitReady(context.Background()); err != nil {
		return complain(err)
	}
	for range 50 {
		endThread()
	}
	for _, w := range s.Workers() {
		fmt.Print(w.Status().PID, " ")
	}
	fmt.Println()
	_ = s.Wait() // in vain
	return 1
}

// endThread makes one operating system thread of this process end.
func endThread() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
	}()
	<-done
}
