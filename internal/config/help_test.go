package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func help(t *testing.T, commands Commands, args ...string) string {
	t.Helper()
	t.Setenv("COLUMNS", "100") // kong wraps to the terminal
	var stdout, stderr bytes.Buffer
	cfg, code := commands.Parse(args, &stdout, &stderr, []string{"TICKGATE_RING=bad"})
	if cfg != nil || code != ExitOK || stderr.Len() > 0 {
		t.Fatalf("Parse(%q): got %+v, code %d, stderr %q, want code %d", args, cfg, code, &stderr, ExitOK)
	}
	return stdout.String()
}

func TestHelp(t *testing.T) {
	golden := filepath.Join("testdata", "help.txt")
	got := help(t, nil, "--help")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\n(go test -update rewrites it)", got, want)
	}
}

func TestHelpOfCommands(t *testing.T) {
	commands := Commands{{Name: "doctor", Help: "Check the limits.", Flags: &struct {
		Conns int `help:"Connections to plan for."`
	}{}}}
	if got := help(t, commands, "-h"); !strings.Contains(got, "gateway <command> [flags]") || !strings.Contains(got, "Check the limits.") {
		t.Errorf("got\n%s\nwant the command listed", got)
	}
	got := help(t, commands, "doctor", "--help")
	for _, want := range []string{"Usage: gateway doctor", "--conns", "'gateway --help'"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
	if strings.Contains(got, "--sndbuf") {
		t.Errorf("got\n%s\nwant the gateway's own flags left out", got)
	}
}
