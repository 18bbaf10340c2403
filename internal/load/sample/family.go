package sample

import (
	"slices"

	"github.com/prometheus/procfs"
)

// Family returns the processes that the given ones belong to: where a parent runs the same program, as the supervisor
// of worker processes does, it stands for its children.
func Family(pids []int) []int {
	return climb(pids, parentOfSameProgram)
}

// climb replaces each process by its topmost parent; parent returns 0 where there is none.
func climb(pids []int, parent func(int) int) (tops []int) {
	for _, pid := range pids {
		for p := parent(pid); p != 0; p = parent(p) {
			pid = p
		}
		if !slices.Contains(tops, pid) {
			tops = append(tops, pid)
		}
	}
	return tops
}

func parentOfSameProgram(pid int) int {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	stat, err := proc.Stat()
	if err != nil || stat.PPID == 0 {
		return 0
	}
	parent, err := procfs.NewProc(stat.PPID)
	if err != nil {
		return 0
	}
	own, err1 := proc.Executable()
	other, err2 := parent.Executable()
	if err1 != nil || err2 != nil || own == "" || own != other {
		return 0
	}
	return stat.PPID
}
