package sample

import (
	"debug/buildinfo"
	"fmt"
	"slices"

	"github.com/prometheus/procfs"
)

// Program is what runs in processes that were started in the same way.
type Program struct {
	PIDs    []int    `json:"pids"`
	Command []string `json:"command"` // without secrets
	Path    string   `json:"path,omitempty"`
	// Go, Module and Revision are what a Go program says about its making; empty for others. A revision ends in + if there were changes.
	Go       string `json:"go,omitempty"`
	Module   string `json:"module,omitempty"`
	Revision string `json:"revision,omitempty"`
}

// Programs describes processes. Those that have ended, or may not be looked at, are left out.
func Programs(pids []int) (list []Program) {
	for _, pid := range pids {
		p, err := program(pid)
		if err != nil {
			continue
		}
		same := slices.IndexFunc(list, func(o Program) bool { return o.Path == p.Path && slices.Equal(o.Command, p.Command) })
		if same < 0 {
			list = append(list, p)
			continue
		}
		list[same].PIDs = append(list[same].PIDs, pid)
	}
	return list
}

func program(pid int) (Program, error) {
	p := Program{PIDs: []int{pid}}
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return p, err
	}
	command, err := proc.CmdLine()
	if err != nil {
		return p, err
	}
	p.Command = Redact(command)
	if path, err := proc.Executable(); err == nil {
		p.Path = path
	}
	// Through /proc, since the file may have been replaced since.
	if info, err := buildinfo.ReadFile(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		p.Go, p.Module, p.Revision = info.GoVersion, info.Path, revision(info)
	}
	return p, nil
}

// revision returns the commit a program was built from, with a + if there were changes; empty if it does not say.
func revision(info *buildinfo.BuildInfo) (commit string) {
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
