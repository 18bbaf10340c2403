package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNodeClient lets Node's ws, the client of most servers and tools out there, subscribe, ping and close.
func TestNodeClient(t *testing.T) {
	t.Parallel()
	node := need(t, "node")
	if _, err := os.Stat("node/node_modules/ws"); err != nil {
		missing(t, "Node's ws is not installed: run `make tools`")
	}
	g := startGateway(t, setup{})
	cmd := exec.Command(node, "client.js", "ws://"+g.Addr+"/ws", "10")
	cmd.Dir = "node"
	var trouble strings.Builder
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s%s", err, out, trouble.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	got := make([]string, len(lines)-1)
	for i := range got {
		if err := json.Unmarshal([]byte(lines[i]), &got[i]); err != nil {
			t.Fatalf("got line %q: %v", lines[i], err)
		}
	}
	if len(got) != 10 {
		t.Errorf("got %d messages, want 10", len(got))
	}
	checkTicks(t, got)
	if code := lines[len(lines)-1]; code != "1000" {
		t.Errorf("got close code %s, want 1000", code)
	}
}
