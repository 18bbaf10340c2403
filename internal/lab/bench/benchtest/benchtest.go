// Package benchtest has stand-ins for the gateway and the swarm, for tests of what starts them: programs that take the same flags, connect to each
// other, and report made-up numbers. They say nothing about the real ones.
package benchtest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Install makes files gateway and swarm in dir that start the running test binary, whose TestMain has to call Main first.
func Install(dir string) (gateway, swarm string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", "", err
	}
	gateway, swarm = filepath.Join(dir, "gateway"), filepath.Join(dir, "swarm")
	for _, path := range []string{gateway, swarm} {
		if err := os.Symlink(self, path); err != nil {
			return "", "", err
		}
	}
	return gateway, swarm, nil
}

// Main ends the process as one of the stand-ins if it was started as such, and returns otherwise.
func Main() {
	switch filepath.Base(os.Args[0]) {
	case "gateway":
		os.Exit(gateway(os.Args[1:]))
	case "swarm":
		os.Exit(swarm(os.Args[1:]))
	}
}

// gateway accepts connections and counts them, and says so on its private listener.
func gateway(args []string) int {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	listen := flags.String("listen", "", "public address")
	admin := flags.String("admin", "", "private address")
	mode := flags.String("mode", "", "crash: end at once; hang: never be ready; die: end with the first client")
	flags.Int("slice", 0, "taken and ignored")
	if code, done := parse(flags, args); done {
		return code
	}
	if *mode == "crash" {
		fmt.Fprintln(os.Stderr, "out of luck")
		return 1
	}
	public, err := net.Listen("tcp4", *listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var open, accepted atomic.Int64
	go accept(public, &open, &accepted, *mode == "die")
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if *mode == "hang" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, page, open.Load(), accepted.Load(), nofile(), os.Getenv("GOGC"))
	})
	go func() { _ = http.ListenAndServe(*admin, mux) }()
	return wait(0)
}

// page has a gauge, a counter, a histogram and a number that JSON cannot hold.
const page = `# TYPE tickgate_connections gauge
tickgate_connections{transport="websocket",state="open"} %d
tickgate_connections{transport="sse",state="open"} 0
# TYPE tickgate_accepts_total counter
tickgate_accepts_total %d
# TYPE test_nofile gauge
test_nofile %d
# TYPE test_environment gauge
test_environment{gogc=%q} 1
# TYPE test_seconds histogram
test_seconds_bucket{le="0.1"} 1
test_seconds_bucket{le="+Inf"} 1
test_seconds_sum 0.1
test_seconds_count 1
# TYPE test_none gauge
test_none NaN
`

func accept(l net.Listener, open, accepted *atomic.Int64, die bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if die {
			os.Exit(3)
		}
		accepted.Add(1)
		open.Add(1)
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
			open.Add(-1)
		}()
	}
}

func nofile() uint64 {
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Max
}

// swarm opens connections, holds them, and reports.
func swarm(args []string) int {
	flags := flag.NewFlagSet("swarm", flag.ContinueOnError)
	conns := flags.Int("conns", 1, "clients")
	away := flags.Int("churn", 0, "of these, as many are away")
	hold := flags.Duration("hold", time.Second, "how long")
	flags.String("json", "", "taken and ignored")
	flags.String("progress", "", "taken and ignored")
	flags.String("admin", "", "taken and ignored")
	flags.String("pid", "", "taken and ignored")
	report := flags.String("report", `{"latency":{"p99_ms":12.5},"notes":["a remark"]}`, "what is reported")
	fail := flags.Bool("fail", false, "end with status 1 after the report")
	if code, done := parse(flags, args); done {
		return code
	}
	for range *conns - *away {
		conn, err := net.Dial("tcp4", strings.TrimPrefix(flags.Arg(0), "http://"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer conn.Close()
	}
	wait(*hold)
	fmt.Println(*report)
	if *fail {
		fmt.Fprintln(os.Stderr, "2 messages were lost")
		return 1
	}
	return 0
}

// parse reads the flags; done tells that the program is to end with the code, after --help or an error.
func parse(flags *flag.FlagSet, args []string) (code int, done bool) {
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.VisitAll(func(f *flag.Flag) { fmt.Printf("  --%s\n", f.Name) })
		return 0, true
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2, true
	}
	return 0, false
}

// wait waits for a signal, or for d if that is not zero.
func wait(d time.Duration) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var timeout <-chan time.Time
	if d > 0 {
		timeout = time.After(d)
	}
	select {
	case <-signals:
	case <-timeout:
	}
	return 0
}
