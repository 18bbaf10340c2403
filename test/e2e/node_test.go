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
	checkTicks(t, nodeClient(t, startGateway(t, setup{}), ""))
}

// nodeClient returns the ten ticks that Node's ws received; the extension is what it and the gateway have to agree on.
func nodeClient(t *testing.T, g *gateway, extension string) []string {
	t.Helper()
	node := need(t, "node")
	if _, err := os.Stat("node/node_modules/ws"); err != nil {
		missing(t, "Node's ws is not installed: run `make tools`")
	}
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
	if len(got) != 11 || got[0] != extension {
		t.Fatalf("got extension %q and %d messages, want %q and 10", got[0], len(got)-1, extension)
	}
	if code := lines[len(lines)-1]; code != "1000" {
		t.Errorf("got close code %s, want 1000", code)
	}
	return got[1:]
}
