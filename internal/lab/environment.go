package lab

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab/sysctl"
	"tickgate/internal/load/sample"
)

// Environment is what a measurement must name to be worth anything.
type Environment struct {
	sample.Machine
	NoFile   [2]uint64         `json:"nofile"` // soft and hard limit of lab, which the programs inherit
	THP      string            `json:"transparent_hugepages,omitempty"`
	Programs []Program         `json:"programs"`
	Sysctls  map[string]string `json:"sysctls"` // before the first change
	Command  []string          `json:"command"` // of lab
}

// Program is a program under test.
type Program struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Go     string `json:"go"`
	// Revision is the commit it was built from, with a + if there were changes; empty if it does not say.
	Revision string `json:"revision,omitempty"`
}

// watched are the settings that matter to many connections, whether an experiment changes them or not.
var watched = []string{
	"fs.file-max", "fs.nr_open", "kernel.sched_autogroup_enabled",
	"net.core.netdev_max_backlog", "net.core.rmem_max", "net.core.somaxconn", "net.core.wmem_max",
	"net.ipv4.ip_local_port_range", "net.ipv4.tcp_abort_on_overflow", "net.ipv4.tcp_congestion_control",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_mem", "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_retries2",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_wmem",
	"net.netfilter.nf_conntrack_max",
}

// ReadEnvironment describes the machine and the programs at the given paths.
func ReadEnvironment(exp *Experiment, tree sysctl.Tree, programs ...string) (Environment, error) {
	env := Environment{Machine: sample.ReadMachine(), Sysctls: map[string]string{}, Command: slices.Clone(os.Args)}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return env, os.NewSyscallError("getrlimit", err)
	}
	env.NoFile = [2]uint64{limit.Cur, limit.Max}
	if text, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled"); err == nil {
		env.THP = strings.TrimSpace(string(text))
	}
	names := slices.Clone(watched)
	for i := range exp.Variants {
		for name := range exp.Setup(i).Sysctl {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if value, err := tree.Read(name); err == nil { // a kernel need not have all of them
			env.Sysctls[name] = value
		}
	}
	for _, path := range programs {
		program, err := readProgram(path)
		if err != nil {
			return env, err
		}
		env.Programs = append(env.Programs, program)
	}
	return env, nil
}

func readProgram(path string) (Program, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Program{}, fmt.Errorf("program %s: %w", path, err)
	}
	p := Program{Path: absolute}
	file, err := os.Open(absolute)
	if err != nil {
		return p, inputErrorf("there is no program under test: %w; build it with `make build`", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return p, fmt.Errorf("read %s: %w", absolute, err)
	}
	p.SHA256 = hex.EncodeToString(hash.Sum(nil))
	if info, err := buildinfo.Read(file); err == nil {
		p.Go = info.GoVersion
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision":
				p.Revision = setting.Value + p.Revision
			case setting.Key == "vcs.modified" && setting.Value == "true":
				p.Revision += "+"
			}
		}
	}
	return p, nil
}

// conflict says why runs made here must not be mixed with runs made there, or returns "".
func (e Environment) conflict(there Environment) string {
	switch {
	case e.Kernel != there.Kernel:
		return fmt.Sprintf("the kernel was %s and is %s", there.Kernel, e.Kernel)
	case e.CPU != there.CPU || e.CPUs != there.CPUs:
		return fmt.Sprintf("the machine had %d × %s and has %d × %s", there.CPUs, there.CPU, e.CPUs, e.CPU)
	case len(e.Programs) != len(there.Programs):
		return "the programs are others"
	}
	for i, program := range e.Programs {
		if program.SHA256 != there.Programs[i].SHA256 {
			return fmt.Sprintf("%s was built anew since the first run", program.Path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there.Sysctls)) {
		if was, now := there.Sysctls[name], e.Sysctls[name]; now != was {
			return fmt.Sprintf("%s was %s and is %s", name, was, now)
		}
	}
	return ""
}
