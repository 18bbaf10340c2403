package doctor_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

var update = flag.Bool("update", false, "write the golden files anew")

// container is a machine like many: descriptors that nobody may raise, and the kernel's defaults.
var container = sound.with(nofile("20000")).with(machine{
	"proc/42/status":                      "Name:\tgateway\nCpus_allowed_list:\t0-1\nCapBnd:\t000001fffeffffff\n",
	"proc/sys/net/core/somaxconn":         "4096\n",
	"proc/sys/net/ipv4/tcp_available_ulp": "mptcp\n",
})

// short is a machine with too little of everything.
var short = container.with(machine{
	"proc/meminfo":                               "MemTotal: 900000 kB\nMemAvailable: 700000 kB\n",
	"proc/sys/fs/nr_open":                        "65536\n",
	"proc/sys/fs/file-max":                       "50600\n",
	"proc/sys/net/ipv4/tcp_mem":                  "4500\t6000\t9000\n",
	"proc/sys/net/ipv4/tcp_rmem":                 "65536\t131072\t6291456\n",
	"proc/swaps":                                 "Filename Type Size Used Priority\n/dev/vdb partition 1048576 524288 -2\n",
	"proc/pressure/memory":                       "some avg10=0.00 avg60=4.20 avg300=0.00 total=1\n",
	"sys/devices/system/cpu/online":              "0\n",
	"sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
})

// TestGolden holds what an operator and a script read to the last character. -update writes the files anew.
func TestGolden(t *testing.T) {
	both := question(100_000, limits.Both, 2)
	tests := []struct {
		name     string
		machine  machine
		question doctor.Question
	}{
		{"sound", sound, asked},
		{"container", container, asked},
		{"short", short, both},
	}
	for _, tt := range tests {
		r := tt.machine.examine(t, tt.question)
		var text, document bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&document); err != nil {
			t.Fatal(err)
		}
		golden(t, tt.name+".txt", text.Bytes())
		golden(t, tt.name+".json", document.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// TestSchemaIsDocumented holds README.md to the fields that the JSON has.
func TestSchemaIsDocumented(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join("testdata", "short.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(written, &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys(document) {
		if !bytes.Contains(readme, []byte("`"+key+"`")) {
			t.Errorf("README.md does not tell of the field %s", key)
		}
	}
}

// keys lists the names of all members of a JSON value.
func keys(value any) (names []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			names = append(append(names, name), keys(member)...)
		}
	case []any:
		for _, element := range v {
			names = append(names, keys(element)...)
		}
	}
	return names
}
