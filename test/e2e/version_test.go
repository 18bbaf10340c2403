package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestVersion: each program says its version, the one that was linked in, else what the Go command knows of the source.
func TestVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-ldflags", "-X main.linked=v9.8.7", "-o", dir+"/", "tickgate/cmd/gateway", "tickgate/cmd/swarm", "tickgate/cmd/lab")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for program, name := range map[string]string{"gateway": "tickgate", "swarm": "swarm", "lab": "lab"} {
		got := runToEnd(t, 2*patience, filepath.Join(dir, program), "--version")
		if want := name + " v9.8.7\n"; got.code != 0 || got.output != want {
			t.Errorf("%s --version: got exit code %d and %q, want %q", program, got.code, got.output, want)
		}
	}
	for name, binary := range map[string]string{"tickgate": binaries.gateway, "swarm": binaries.swarm} {
		got := runToEnd(t, 2*patience, binary, "--version")
		if got.code != 0 || !regexp.MustCompile(`^`+name+` \S+\n$`).MatchString(got.output) {
			t.Errorf("%s --version: got exit code %d and %q, want a version", binary, got.code, got.output)
		}
	}
}
