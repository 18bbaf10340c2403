package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mark is the environment variable that every process started by this test run inherits, so that none can hide behind another parent or
// session. It is set once, before the first process starts.
var mark = "E2E_RUN=" + strconv.Itoa(os.Getpid())

// binaries are the paths of the two programs under test; set once by TestMain.
var binaries struct{ gateway, swarm string }

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	name, value, _ := strings.Cut(mark, "=")
	if err := os.Setenv(name, value); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir := os.Getenv("E2E_BIN")
	if dir == "" {
		fresh, err := os.MkdirTemp("", "tickgate-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(fresh) }()
		if err := build(fresh); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		dir = fresh
	}
	binaries.gateway = filepath.Join(dir, "gateway")
	binaries.swarm = filepath.Join(dir, "swarm")
	watch()
	code := m.Run()
	defer func() { _ = os.RemoveAll(bentDir) }()
	defer func() { _ = os.RemoveAll(natsDir) }()
	if left := marked(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "processes left behind by the tests: %s\n", strings.Join(left, "; "))
		killMarked()
		return 1
	}
	return code
}

// watch ends what the tests have started just before the testing package's own time limit ends the tests, which by then can clean up nothing.
func watch() {
	flag.Parse()
	if limit, ok := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration); ok && limit > 0 {
		time.AfterFunc(max(limit-5*time.Second, 0), killMarked)
	}
}

// build compiles the gateway, the swarm and lab into dir.
func build(dir string) error {
	args := []string{"build", "-o", dir + "/"}
	if os.Getenv("E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/gateway", "./cmd/swarm", "./cmd/lab")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the binaries: %w\n%s", err, out)
	}
	return nil
}

// need skips the test if the outside program is not installed, and fails it where nothing may be skipped. It returns the program's path.
func need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is not installed")
	}
	return path
}

// missing ends the test: skipped with the reason, or failed with it when CI=true.
func missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason + "; with CI=true nothing is skipped")
	}
	t.Skip(reason)
}

// patience is how long a test waits for what must happen. It only costs time when it does not: a machine may be ten times slower than another, or stand
// still for seconds.
const patience = time.Minute

// eventually polls the condition every 10 ms and fails the test if it does not hold within the time.
func eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	if !holds(within, condition) {
		t.Fatalf("got no %s within %v", what, within)
	}
}

// holds reports whether the condition becomes true within the time; it polls every 10 ms.
func holds(within time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(within); ; {
		if condition() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// never polls the condition for the whole time and fails the test if it holds once.
func never(t testing.TB, during time.Duration, what string, condition func() bool) {
	t.Helper()
	if holds(during, condition) {
		t.Fatalf("got %s", what)
	}
}
