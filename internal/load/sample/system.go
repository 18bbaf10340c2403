package sample

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// System is how a machine is set up, as far as it matters to very many connections.
type System struct {
	Distribution string   `json:"distribution,omitempty"`         // PRETTY_NAME of os-release(5)
	Build        string   `json:"kernel_build,omitempty"`         // uname -v
	THP          string   `json:"transparent_hugepage,omitempty"` // always, madvise or never
	Clock        string   `json:"clocksource,omitempty"`
	Sysctls      []Sysctl `json:"sysctls,omitempty"` // those that are not as the kernel sets them, and those it sizes by memory
	Watched      int      `json:"sysctls_watched"`   // how many were looked at
}

// ReadSystem reads what can be read of it below root, which is / outside tests.
func ReadSystem(root string) System {
	s := System{
		Distribution: distribution(filepath.Join(root, "etc/os-release")),
		THP:          chosen(line(filepath.Join(root, "sys/kernel/mm/transparent_hugepage/enabled"))),
		Clock:        line(filepath.Join(root, "sys/devices/system/clocksource/clocksource0/current_clocksource")),
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		s.Build = unix.ByteSliceToString(u.Version[:])
	}
	s.Sysctls, s.Watched = readSysctls(filepath.Join(root, "proc/sys"))
	return s
}

// line returns a file's first line, or nothing.
func line(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first)
}

// chosen returns the word in brackets, as sysfs marks a choice.
func chosen(s string) string {
	if _, rest, ok := strings.Cut(s, "["); ok {
		s, _, _ = strings.Cut(rest, "]")
	}
	return s
}

func distribution(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return ""
}
