// Package tuning_test runs scripts/tune.sh against trees of files and, for one harmless key, against the real kernel,
// and holds the tuning files to their format.
package tuning_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const script = "../scripts/tune.sh"

// kernel is a directory that stands for /proc/sys, with a configuration and an undo file of its own.
type kernel struct {
	root, conf, undo string
	scale            string
}

const testConf = `# a comment
fs.nr_open = 1000
#1m fs.nr_open = 5000
  # an indented comment
net.ipv4.tcp_mem = 10 20 30
# tune: exact
net.ipv4.tcp_tw_reuse=1
# tune: range
net.ipv4.ip_local_port_range	=	10000   65535
net.missing.key = 7
#1m net.core.somaxconn = 99
`

// newKernel returns a kernel with the given values.
func newKernel(t *testing.T, values map[string]string) *kernel {
	t.Helper()
	dir := t.TempDir()
	k := &kernel{root: filepath.Join(dir, "sys"), conf: filepath.Join(dir, "conf"), undo: filepath.Join(dir, "var", "undo"), scale: "100k"}
	if err := os.WriteFile(k.conf, []byte(testConf), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		k.set(t, key, value)
	}
	return k
}

// defaults are the values of a kernel that needs everything.
func defaults() map[string]string {
	return map[string]string{
		"kernel.random.boot_id": "first", "fs.nr_open": "500", "net.ipv4.tcp_mem": "5\t40\t6", "net.ipv4.tcp_tw_reuse": "2",
		"net.ipv4.ip_local_port_range": "32768\t60999", "net.core.somaxconn": "50",
	}
}

func (k *kernel) path(key string) string {
	return filepath.Join(k.root, strings.ReplaceAll(key, ".", "/"))
}

func (k *kernel) set(t *testing.T, key, value string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(k.path(key)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.path(key), []byte(value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// values returns all keys and their values.
func (k *kernel) values(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key := range defaults() {
		all[key] = strings.TrimSpace(read(t, k.path(key)))
	}
	return all
}

// tune runs the script and returns its output.
func (k *kernel) tune(t *testing.T, mode string) (string, error) {
	t.Helper()
	cmd := exec.Command(script, mode)
	cmd.Env = append(os.Environ(), "TUNE_ROOT="+k.root, "TUNE_CONF="+k.conf, "TUNE_UNDO="+k.undo, "TUNE_SCALE="+k.scale)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is tune for a run that has to succeed.
func (k *kernel) must(t *testing.T, mode string) string {
	t.Helper()
	out, err := k.tune(t, mode)
	if err != nil {
		t.Fatalf("tune.sh %s: %v\n%s", mode, err, out)
	}
	return out
}

func (k *kernel) want(t *testing.T, when string, want map[string]string) {
	t.Helper()
	if got := k.values(t); !maps.Equal(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", when, got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// merged returns defaults with other values.
func merged(other map[string]string) map[string]string {
	all := defaults()
	maps.Copy(all, other)
	return all
}

func TestApplyAndUndo(t *testing.T) {
	k := newKernel(t, defaults())
	out := k.must(t, "show")
	for _, want := range []string{"fs.nr_open", "500 -> 1000", "5 40 6 -> 10 40 30", "32768 60999 -> 10000 65535", "net.missing.key", "no such key"} {
		if !strings.Contains(out, want) {
			t.Errorf("show: got\n%s\nwant %q in it", out, want)
		}
	}
	k.want(t, "after show", defaults())

	k.must(t, "apply")
	tuned := merged(map[string]string{
		"fs.nr_open": "1000", "net.ipv4.tcp_mem": "10 40 30", "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.ip_local_port_range": "10000 65535",
	})
	k.want(t, "after apply", tuned)
	undo := read(t, k.undo)
	if out := k.must(t, "apply"); !strings.Contains(out, "nothing to change") {
		t.Errorf("second apply: got %q, want nothing to change", out)
	}
	if got := read(t, k.undo); got != undo {
		t.Errorf("undo file after a second apply: got %q, want %q", got, undo)
	}

	k.scale = "1m"
	k.must(t, "apply")
	k.want(t, "after apply for a million", merged(map[string]string{
		"fs.nr_open": "5000", "net.ipv4.tcp_mem": "10 40 30", "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.ip_local_port_range": "10000 65535",
		"net.core.somaxconn": "99",
	}))

	k.must(t, "undo")
	k.want(t, "after undo", merged(map[string]string{"net.ipv4.tcp_mem": "5 40 6", "net.ipv4.ip_local_port_range": "32768 60999"}))
	if entries, err := os.ReadDir(filepath.Dir(k.undo)); err != nil || len(entries) > 0 {
		t.Errorf("after undo: got %v, %v beside the undo file, want nothing", entries, err)
	}
	if out := k.must(t, "undo"); !strings.Contains(out, "nothing to undo") {
		t.Errorf("second undo: got %q, want nothing to undo", out)
	}
}

// TestNeverLowers asserts that settings which are better already stay, also partly.
func TestNeverLowers(t *testing.T) {
	values := merged(map[string]string{
		"fs.nr_open": "9223372036854775807", "net.ipv4.tcp_mem": "100 200 300", "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.ip_local_port_range": "1024 60999",
	})
	k := newKernel(t, values)
	k.must(t, "apply")
	values["net.ipv4.ip_local_port_range"] = "1024 65535"
	k.want(t, "after apply", values)
}

// TestReboot applies, "reboots" into other defaults, and must not restore values from before that.
func TestReboot(t *testing.T) {
	k := newKernel(t, defaults())
	k.must(t, "apply")
	rebooted := merged(map[string]string{"kernel.random.boot_id": "second", "fs.nr_open": "700"})
	for key, value := range rebooted {
		k.set(t, key, value)
	}
	if out := k.must(t, "undo"); !strings.Contains(out, "reboot") {
		t.Errorf("undo after a reboot: got %q, want it to say so", out)
	}
	k.want(t, "after undo", rebooted)

	k.must(t, "apply")
	k.must(t, "undo")
	rebooted["net.ipv4.tcp_mem"], rebooted["net.ipv4.ip_local_port_range"] = "5 40 6", "32768 60999"
	k.want(t, "after another apply and undo", rebooted)
}

// TestUndoFileIsData asserts that what somebody wrote into the undo file is not run and leads nowhere else.
func TestUndoFileIsData(t *testing.T) {
	k := newKernel(t, defaults())
	k.must(t, "apply")
	marker := filepath.Join(t.TempDir(), "marker")
	evil := read(t, k.undo) + "kernel.$(touch " + marker + ") = 1\n../../escape = 1\nfs.nr_open = 1; touch " + marker + "\n"
	if err := os.WriteFile(k.undo, []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must(t, "undo")
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command in the undo file was run")
	}
	k.want(t, "after undo", merged(map[string]string{"net.ipv4.tcp_mem": "5 40 6", "net.ipv4.ip_local_port_range": "32768 60999"}))
}

func TestUsage(t *testing.T) {
	k := newKernel(t, nil)
	if out, err := k.tune(t, "help"); err == nil || !strings.Contains(out, "tune.sh show|apply|undo") {
		t.Errorf("got %v, %q; want the usage and a failure", err, out)
	}
	k.scale = "2m"
	if out, err := k.tune(t, "show"); err == nil || !strings.Contains(out, "want 100k or 1m") {
		t.Errorf("got %v, %q; want the scales and a failure", err, out)
	}
	k.conf = "/nowhere"
	if out, err := k.tune(t, "show"); err == nil || !strings.Contains(out, "cannot read /nowhere") {
		t.Errorf("got %v, %q; want the missing file and a failure", err, out)
	}
}

// realKernel returns the kernel of this machine with one setting to apply; the test is skipped if it may not be changed,
// and puts the key back whatever happens.
func realKernel(t *testing.T, key, setting string) *kernel {
	t.Helper()
	k := newKernel(t, nil)
	k.root = "/proc/sys"
	if err := os.WriteFile(k.conf, []byte(setting), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(k.path(key), os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	before := read(t, k.path(key))
	t.Cleanup(func() {
		defer file.Close()
		if _, err := file.WriteString(before); err != nil {
			t.Error(err)
		}
	})
	return k
}

// TestRealKernel raises one bound and puts it back.
func TestRealKernel(t *testing.T) {
	const key = "net.core.somaxconn"
	before := strings.TrimSpace(sysctl(t, key))
	more := before + "0"
	k := realKernel(t, key, key+" = "+more)
	k.must(t, "apply")
	if got := sysctl(t, key); got != more {
		t.Errorf("after apply: got %s, want %s", got, more)
	}
	k.must(t, "undo")
	if got := sysctl(t, key); got != before {
		t.Errorf("after undo: got %s, want %s", got, before)
	}
}

// TestRefused asks the kernel for a value that it refuses: that is said, and what was there is remembered nevertheless.
func TestRefused(t *testing.T) {
	const key = "net.ipv4.ip_local_port_range"
	before := sysctl(t, key)
	k := realKernel(t, key, "# tune: exact\n"+key+" = 70000 80000\n")
	if out, err := k.tune(t, "apply"); err == nil || !strings.Contains(out, "the kernel refuses "+key) {
		t.Errorf("got %v, %q; want a refusal and a failure", err, out)
	}
	if got := sysctl(t, key); got != before {
		t.Errorf("after apply: got %s, want %s", got, before)
	}
	if want := key + " = " + strings.Join(strings.Fields(before), " "); !strings.Contains(read(t, k.undo), want) {
		t.Errorf("undo file: got %q, want it to contain %q", read(t, k.undo), want)
	}
	k.must(t, "undo")
}

// sysctl returns the value of a key of this machine.
func sysctl(t *testing.T, key string) string {
	t.Helper()
	return strings.TrimSpace(read(t, "/proc/sys/"+strings.ReplaceAll(key, ".", "/")))
}
