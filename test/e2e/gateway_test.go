package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startWithin = patience
	stopWithin  = patience
)

// setup says how a gateway is started.
type setup struct {
	flags  map[string]string // by name without dashes; added to, or instead of, the harness's own; the value "-" leaves a flag out
	env    []string          // KEY=value, added to the environment
	nofile int               // descriptor limit, soft and hard; 0: as inherited
	stdin  bool              // connect gateway.Stdin
	wrap   []string          // a command that executes its arguments, such as unshare …
}

// gateway is a running gateway process (with its workers, if it has any).
type gateway struct {
	Addr  string // the public listener, host:port
	Admin string // the private listener, host:port
	Stdin io.WriteCloser

	cmd    *exec.Cmd
	log    *logBuffer
	exited chan struct{} // closed when the process has been waited for
	killed bool          // a test killed it: how it ended is that test's business
}

// defaults are the flags of a gateway that a test does not choose otherwise: quick ticks, free ports, one process, every message.
func defaults() map[string]string {
	return map[string]string{
		"listen":        "127.0.0.1:0",
		"admin":         "127.0.0.1:0",
		"workers":       "auto", // and so one process, as the descriptors suffice for so few
		"max-conns":     "500",
		"loops":         "2",
		"feed":          "sim",
		"feed-interval": "100ms",
		"policy":        "all", // on a busy machine a latest topic may skip, and a test could not tell that from a loss
		"drain":         "1s",
	}
}

// arguments turns flags into a command line, sorted by name. Boolean flags have the value "true".
func arguments(flags map[string]string) []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		switch value := flags[name]; value {
		case "-":
		case "true":
			args = append(args, "--"+name)
		default:
			args = append(args, "--"+name+"="+value)
		}
	}
	return args
}

// startGateway starts a gateway and waits until it is ready; it is stopped, and what it left is checked, when the test ends.
func startGateway(t testing.TB, s setup) *gateway {
	t.Helper()
	g := launch(t, s)
	t.Cleanup(func() { g.cleanUp(t) })
	g.waitListening(t)
	return g
}

// launch starts the process only.
func launch(t testing.TB, s setup) *gateway {
	t.Helper()
	flags := defaults()
	maps.Copy(flags, s.flags)
	line := slices.Concat(s.wrap, []string{binaries.gateway}, arguments(flags))
	if s.nofile > 0 {
		line = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, s.nofile), "sh"}, line...)
	}
	g := &gateway{cmd: exec.Command(line[0], line[1:]...), log: &logBuffer{}, exited: make(chan struct{})}
	g.cmd.Env = append(os.Environ(), s.env...)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.WaitDelay = 5 * time.Second // a worker that outlives its supervisor would keep the pipe open for ever
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.stdin {
		pipe, err := g.cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		g.Stdin = pipe
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatalf("start the gateway: %v", err)
	}
	go func() {
		_ = g.cmd.Wait() // how it ended is read from cmd.ProcessState
		close(g.exited)
	}()
	return g
}

var listeningLine = regexp.MustCompile(`msg=(?:"(admin )?listening"|listening)\s.*?\baddr="?([^"\s]+)`)

// waitListening learns the bound addresses from the log and waits for /readyz.
func (g *gateway) waitListening(t testing.TB) {
	t.Helper()
	eventually(t, patience, "log lines with both bound addresses", func() bool {
		if g.hasExited() {
			t.Fatalf("the gateway ended: %v\n%s", g.cmd.ProcessState, g.log)
		}
		for _, match := range listeningLine.FindAllStringSubmatch(g.log.String(), -1) {
			if match[1] != "" {
				g.Admin = match[2]
			} else {
				g.Addr = match[2]
			}
		}
		return g.Addr != "" && g.Admin != ""
	})
	eventually(t, patience, "200 from /readyz", func() bool { return statusOf("http://"+g.Admin+"/readyz") == http.StatusOK })
}

// statusOf returns the status of a GET, 0 if there was no answer.
func statusOf(url string) int {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func (g *gateway) pid() int { return g.cmd.Process.Pid }

func (g *gateway) hasExited() bool {
	select {
	case <-g.exited:
		return true
	default:
		return false
	}
}

// workers returns the processes that own connections: the children, or the process itself if it has none.
func (g *gateway) workers() []int {
	if list := children(g.pid()); len(list) > 0 {
		return list
	}
	return []int{g.pid()}
}

func (g *gateway) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := g.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %v to the gateway: %v", sig, err)
	}
}

// waitExit waits for the end of the process and returns its exit code, -1 for an end by a signal.
func (g *gateway) waitExit(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-g.exited:
	case <-time.After(within):
		t.Fatalf("the gateway still runs after %v", within)
	}
	return g.cmd.ProcessState.ExitCode()
}

// kill ends the process as a crash would: no handler runs.
func (g *gateway) kill(t testing.TB) {
	t.Helper()
	g.killed = true
	g.signal(t, syscall.SIGKILL)
	g.waitExit(t, stopWithin)
}

// cleanUp stops the gateway as an operator would and reports how it ended, what it printed and what it left.
func (g *gateway) cleanUp(t testing.TB) {
	if !g.hasExited() {
		if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stop the gateway: %v", err)
		}
	}
	select {
	case <-g.exited:
	case <-time.After(stopWithin):
		t.Errorf("the gateway did not end within %v of SIGTERM", stopWithin)
		_ = syscall.Kill(-g.pid(), syscall.SIGKILL)
		<-g.exited
	}
	if code := g.cmd.ProcessState.ExitCode(); code != 0 && !g.killed {
		t.Errorf("got exit code %d after SIGTERM, want 0", code)
	}
	if !holds(patience, func() bool { return syscall.Kill(-g.pid(), 0) != nil }) {
		t.Errorf("processes of the gateway's group are left behind: %s", strings.Join(marked(), "; "))
		_ = syscall.Kill(-g.pid(), syscall.SIGKILL)
	}
	checkNoCrash(t, g.log.String())
	if t.Failed() {
		t.Logf("the gateway's log ends with:\n%s", tail(g.log.String(), 60))
	}
}

// checkNoCrash fails the test if the output holds traces of a crash or a data race.
func checkNoCrash(t testing.TB, output string) {
	t.Helper()
	for _, trace := range []string{"panic:", "fatal error:", "BUG:", "DATA RACE", "\ngoroutine ", "SIGSEGV"} {
		if strings.Contains(output, trace) {
			t.Errorf("got %q in the output:\n%s", trace, tail(output, 60))
			return
		}
	}
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	rows := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(rows) > lines {
		rows = rows[len(rows)-lines:]
	}
	return strings.Join(rows, "\n")
}
