package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runnable finds the blocks of a document that are to be run: those whose fence says ```sh run.
var runnable = regexp.MustCompile("(?ms)^```sh run\n(.*?)^```$")

// small are the sizes of the documents' runs here; their own are larger.
var small = []string{"N=300", "T=5"}

// TestDocumentsRun: the marked commands of every document do what they say, from top to bottom in one shell that ends at the first error, each
// document in a network namespace of its own, so that the ports that it names are free.
func TestDocumentsRun(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	need(t, "ip")
	for _, name := range documents(t, "../..") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runDocument(t, documentsRoot(t), name)
		})
	}
}

// documents lists the files with commands to run.
func documents(t *testing.T, root string) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/labs/*.md", "deploy/*.md", "examples/*.md", "tuning/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if runnable.Match(text) {
				names = append(names, strings.TrimPrefix(path, root+"/"))
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("no document has a block to run: is the mark another one?")
	}
	return names
}

// documentsRoot is a folder that looks like the repository, with the programs under test in bin; what the commands leave there goes with the test.
func documentsRoot(t *testing.T) string {
	t.Helper()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, entry := range entries {
		if name := entry.Name(); name != "bin" && name != "out" && name != ".git" {
			link(t, filepath.Join(repository, name), filepath.Join(root, name))
		}
	}
	link(t, filepath.Dir(binaries.gateway), filepath.Join(root, "bin"))
	return root
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

// runDocument runs the blocks of one document.
func runDocument(t *testing.T, root, name string) {
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	script := []string{"set -e; ip link set lo up"}
	for _, block := range runnable.FindAllStringSubmatch(string(text), -1) {
		script = append(script, block[1])
	}
	log := &logBuffer{}
	cmd := exec.Command("bash", "-c", strings.Join(script, "\n"))
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = root, log, log, 5*time.Second
	cmd.Env = append(append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH")), small...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: unix.CLONE_NEWNET}
	if err := cmd.Start(); err != nil {
		t.Skipf("a network namespace may not be made here: %v", err)
	}
	overdue := time.AfterFunc(5*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	overdue.Stop()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left running in the background
	if err != nil {
		t.Errorf("the commands of %s end with %v:\n%s", name, err, tail(log.String(), 60))
	}
}
