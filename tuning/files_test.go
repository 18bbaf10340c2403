package tuning_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tickgate/internal/limits"
)

// settings returns the keys of sysctl.conf and their values for a scale.
func settings(t *testing.T, scale string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range strings.Lines(read(t, "sysctl.conf")) {
		line = strings.TrimPrefix(line, "#"+scale+" ")
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			all[strings.TrimSpace(key)] = strings.Fields(value)
		}
	}
	return all
}

// TestConfExplains asserts that each key says what it bounds, why it has its value, how to see that it matters, and
// what the myths are.
func TestConfExplains(t *testing.T) {
	conf := read(t, "sysctl.conf")
	for key := range settings(t, "100k") {
		_, text, ok := strings.Cut(conf, "\n# "+key+"\n")
		text, _, _ = strings.Cut(text, "\n"+key+" = ")
		for _, heading := range []string{"# Bounds ", "# Value ", "# See ", "# Myth "} {
			if !ok || !strings.Contains(text, heading) {
				t.Errorf("%s: got no comment %q above it", key, heading)
			}
		}
	}
}

// TestConfIsEnough compares sysctl.conf with what internal/limits says that so many connections need.
func TestConfIsEnough(t *testing.T) {
	machine, err := limits.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	for scale, conns := range map[string]int{"100k": 100_000, "1m": 1_000_000} {
		conf := settings(t, scale)
		fit := machine.Fit(limits.Demand{Conns: conns, Role: limits.Both, Sources: 20})
		for _, check := range fit.Checks {
			value, ok := conf[check.Name]
			if !ok {
				continue
			}
			if got := bound(t, value); got < check.Need {
				t.Errorf("%s at %s: got %d, want at least %d", check.Name, scale, got, check.Need)
			}
			if len(value) == 2 && !strings.Contains(check.Change, strings.Join(value, " ")) {
				t.Errorf("%s: got %v, want the same as in %q", check.Name, value, check.Change)
			}
		}
	}
}

// bound returns what a value allows: the size of a range, the second of three numbers (tcp_mem), or the number.
func bound(t *testing.T, value []string) int64 {
	t.Helper()
	var n []int64
	for _, v := range value {
		number, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		n = append(n, number)
	}
	switch len(n) {
	case 2:
		return n[1] - n[0] + 1
	case 3:
		return n[1]
	}
	return n[0]
}

// TestNofileAgrees asserts that users and the service get the same limit, one that the kernel allows.
func TestNofileAgrees(t *testing.T) {
	unit := regexp.MustCompile(`(?m)^LimitNOFILE=(\d+)$`).FindStringSubmatch(read(t, "tickgate.service"))
	users := regexp.MustCompile(`(?m)^\S+\s+hard\s+nofile\s+(\d+)$`).FindAllStringSubmatch(read(t, "limits.conf"), -1)
	if unit == nil || len(users) != 2 {
		t.Fatalf("got %v and %v, want a limit in both files", unit, users)
	}
	nrOpen := settings(t, "100k")["fs.nr_open"]
	for _, user := range users {
		if user[1] != unit[1] || !slices.Equal(nrOpen, []string{user[1]}) {
			t.Errorf("got %s for users, %s for the service, fs.nr_open %v; want all the same", user[1], unit[1], nrOpen)
		}
	}
}

// TestUnit lets systemd read the unit, with a program that exists.
func TestUnit(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	text := strings.ReplaceAll(read(t, "tickgate.service"), "/usr/local/bin/gateway", "/bin/true")
	unit := filepath.Join(t.TempDir(), "tickgate.service")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestShellcheck(t *testing.T) {
	if out, err := exec.Command(tool(t, "shellcheck"), script).CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}

// tool returns the path of a program that not every machine has.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}
