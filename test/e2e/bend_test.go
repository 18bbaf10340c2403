package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// bends are the lines behind which the bent gateway misbehaves, by file.
var bends = map[string]struct{ after, insert string }{
	"internal/hub/topic.go":         {"func (t *Topic) publishLocked(m *Message) {\n", "\tbend.At(\"hub\")\n"},
	"internal/session/deliver.go":   {"func (l *Loop) SendMany(m *hub.Message, conns []int32, out []hub.Delivery) {\n", "\tbend.At(\"fanout\")\n\tbend.At(\"assist\")\n"},
	"internal/session/handshake.go": {"func (l *Loop) answer(c *conn, r *wire.Request) error {\n", "\tbend.Each(\"handshake\")\n"},
}

// bentDir is where the bent gateway is, once it is built; TestMain removes it.
var bentDir string

// bentGateway builds the gateway with a few lines more, which make it misbehave where the environment's BEND says. It is built once.
var bentGateway = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tickgate-e2e-bent-")
	if err != nil {
		return "", err
	}
	bentDir = dir
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	overlay := map[string]string{filepath.Join(root, "internal/bend/bend.go"): filepath.Join(root, "test/e2e/testdata/bend.go.txt")}
	for file, bend := range bends {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		bent := strings.Replace(string(text), bend.after, bend.after+bend.insert, 1)
		bent = strings.Replace(bent, "import (\n", "import (\n\t\"tickgate/internal/bend\"\n", 1)
		if !strings.Contains(bent, bend.insert) || !strings.Contains(bent, "internal/bend") {
			return "", fmt.Errorf("%s has no line %q any more; bends must name another", file, bend.after)
		}
		copied := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(copied, []byte(bent), 0o600); err != nil {
			return "", err
		}
		overlay[filepath.Join(root, file)] = copied
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(dir, "gateway"), "./cmd/gateway")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	return filepath.Join(dir, "gateway"), cmd.Run()
})

// bent returns the setup of a gateway that misbehaves at a place when it gets SIGUSR1.
func bent(t testing.TB, place string, flags map[string]string, env ...string) setup {
	t.Helper()
	binary, err := bentGateway()
	if err != nil {
		t.Fatalf("build the bent gateway: %v", err)
	}
	return setup{
		flags: flags, env: append([]string{"BEND=" + place}, env...),
		// In place of the gateway proper, and before all others: what the deed takes must not be waiting for a processor. Who may not have
		// real time gets a warning from nice at most, and goes on.
		wrap: []string{"sh", "-c", `shift; chrt --rr 1 true 2>/dev/null && exec chrt --rr 1 "$0" "$@"; exec nice -n -19 "$0" "$@"`, binary},
	}
}
