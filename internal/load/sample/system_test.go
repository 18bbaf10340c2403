package sample

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReadSystem(t *testing.T) {
	got := ReadSystem(tree(t, map[string]string{
		"etc/os-release": "NAME=x\nPRETTY_NAME=\"Some Linux 9\"\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                      "always [madvise] never\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
		"proc/sys/net/core/somaxconn":                                     "65535\n",  // changed
		"proc/sys/net/core/rmem_max":                                      "212992\n", // an older kernel's default
		"proc/sys/net/ipv4/tcp_wmem":                                      "4096\t16384\t4194304\n",
		"proc/sys/net/ipv4/tcp_mem":                                       "1\t2\t3\n", // computed
		"proc/sys/net/ipv4/ip_local_reserved_ports":                       "\n",
	}))
	if got.Distribution != "Some Linux 9" || got.THP != "madvise" || got.Clock != "tsc" || got.Build == "" {
		t.Errorf("got %+v", got)
	}
	want := []Sysctl{{Name: "net.core.somaxconn", Value: "65535", Default: "4096"}, {Name: "net.ipv4.tcp_mem", Value: "1 2 3", Sized: true}}
	if !slices.Equal(got.Sysctls, want) || got.Watched != 5 {
		t.Errorf("got %v of %d, want %v of 5", got.Sysctls, got.Watched, want)
	}
	if nothing := ReadSystem(t.TempDir()); nothing.Watched != 0 || nothing.THP != "" {
		t.Errorf("got %+v of an empty tree", nothing)
	}
}

// TestSettings: a name that is there twice, or in the wrong place, is one that somebody changes in vain.
func TestSettings(t *testing.T) {
	for i := 1; i < len(settings); i++ {
		if settings[i-1].name >= settings[i].name {
			t.Errorf("%s comes before %s", settings[i-1].name, settings[i].name)
		}
	}
}

func TestRedact(t *testing.T) {
	tests := []struct{ name, give, want string }{
		{"harmless", "gateway --listen :8080 --auth jwks", "gateway --listen :8080 --auth jwks"},
		{"flag", "gateway --token hunter2 --listen :1", "gateway --token REDACTED --listen :1"},
		{"flag and value in one", "gateway --admin-password=hunter2", "gateway --admin-password=REDACTED"},
		{"flag without a value", "gateway --print-token --listen :1", "gateway --print-token --listen :1"},
		{"user and password", "gateway --nats nats://u:hunter2@h:4222,nats://hunter2@i", "gateway --nats nats://REDACTED@h:4222,nats://REDACTED@i"},
		{"in a joined flag", "gateway --nats=nats://u:hunter2@h:4222", "gateway --nats=nats://REDACTED@h:4222"},
		{"parameter", "swarm ws://h/ws?topic=a&access_token=hunter2&x=1", "swarm ws://h/ws?topic=a&access_token=REDACTED&x=1"},
		{"other parameters", "swarm ws://h/ws?topic=a", "swarm ws://h/ws?topic=a"},
		{"half a URL", "swarm ws://hunter2@%zz", "swarm REDACTED"},
	}
	for _, tt := range tests {
		if got := strings.Join(Redact(strings.Fields(tt.give)), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	headers := []string{
		"--header", "Authorization: Bearer hunter2", "--header", "Accept: x", "--header=Cookie: a=hunter2", "--header", "X-Api-Key:hunter2",
		"--send", `{"op":"login","args":{"token": "hunter2","secret":"a\"hunter2"}}`,
	}
	got := strings.Join(Redact(headers), "|")
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "Accept: x") || !strings.Contains(got, `{"op":"login","args":{"token": "REDACTED","secret":"REDACTED"}}`) {
		t.Errorf("got %s, want it without secrets", got)
	}
}

func TestRedactExample(t *testing.T) {
	got := RedactExample("ws://u:hunter2@h:1/ws?topic=a&token=hunter2: answered 403 Forbidden: \"no\"")
	if want := "ws://REDACTED@h:1/ws?topic=a&token=REDACTED: answered 403 Forbidden: \"no\""; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPrograms(t *testing.T) {
	got := Programs([]int{os.Getpid(), os.Getpid(), 1 << 30})
	if len(got) != 1 || len(got[0].PIDs) != 2 || got[0].Go == "" || len(got[0].Command) != len(os.Args) {
		t.Errorf("got %+v, want this test once, with both of its numbers", got)
	}
}
