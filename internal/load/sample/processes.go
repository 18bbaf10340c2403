package sample

import (
	"fmt"
	"slices"

	"github.com/prometheus/procfs"
)

// Processes is a set of processes and all their descendants. Not safe for concurrent use.
type Processes struct {
	fs   procfs.FS
	root []int
	skip []int
	pids []int
}

// NewProcesses returns the processes with these ids. skip names subtrees that do not count: a benchmark's own
// processes, where they are descendants of what it measures.
func NewProcesses(root, skip []int) (*Processes, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, fmt.Errorf("sample processes: %w", err)
	}
	p := &Processes{fs: fs, root: root, skip: skip}
	for _, pid := range root {
		if _, err := fs.Proc(pid); err != nil {
			return nil, fmt.Errorf("sample process %d: %w", pid, err)
		}
	}
	return p, p.Refresh()
}

// PIDs returns the processes found by the last Refresh.
func (p *Processes) PIDs() []int { return p.pids }

// Refresh looks for descendants that have come or gone.
func (p *Processes) Refresh() error {
	all, err := p.fs.AllProcs()
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	children := make(map[int][]int)
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil { // else it has just ended
			children[stat.PPID] = append(children[stat.PPID], proc.PID)
		}
	}
	p.pids = descend(p.root, p.skip, children)
	return nil
}

// descend returns root and everything below it, each process once.
func descend(root, skip []int, children map[int][]int) (pids []int) {
	queue := slices.Clone(root)
	for len(queue) > 0 {
		pid := queue[0]
		queue = queue[1:]
		if slices.Contains(skip, pid) || slices.Contains(pids, pid) {
			continue
		}
		pids = append(pids, pid)
		queue = append(queue, children[pid]...)
	}
	slices.Sort(pids)
	return pids
}

// Usage is what processes use together.
type Usage struct {
	Processes int
	Threads   int
	RSS       int64   // bytes; shared pages count for every process
	PSS       int64   // bytes; shared pages are divided. 0 if it was not asked for or may not be read
	User      float64 // processor seconds in user space
	System    float64 // processor seconds in the kernel
	Waiting   float64 // seconds that threads were ready but had no processor; 0 if not asked for
	// Involuntary counts how often a thread had to leave its processor; 0 if not asked for.
	Involuntary int64
}

// CPU returns the processor seconds.
func (u Usage) CPU() float64 { return u.User + u.System }

// Usage reads what is cheap: sizes and processor time. A process that has ended counts as nothing.
func (p *Processes) Usage() Usage {
	var sum Usage
	for _, pid := range p.pids {
		if proc, err := p.fs.Proc(pid); err == nil {
			sum.add(proc)
		}
	}
	return sum
}

// userHz is the unit of the times in /proc/PID/stat (proc(5)); it is 100 on every architecture Go knows.
const userHz = 100

func (u *Usage) add(proc procfs.Proc) {
	stat, err := proc.Stat()
	if err != nil {
		return
	}
	u.Processes++
	u.Threads += stat.NumThreads
	u.RSS += int64(stat.ResidentMemory())
	u.User += float64(stat.UTime) / userHz
	u.System += float64(stat.STime) / userHz
}

// Detail reads what takes a few milliseconds more: proportional memory, and what the threads had to wait for.
func (p *Processes) Detail() Usage {
	sum := p.Usage()
	for _, pid := range p.pids {
		proc, err := p.fs.Proc(pid)
		if err != nil {
			continue
		}
		if rollup, err := proc.ProcSMapsRollup(); err == nil {
			sum.PSS += int64(rollup.Pss)
		}
		p.addThreads(pid, &sum)
	}
	return sum
}

func (p *Processes) addThreads(pid int, sum *Usage) {
	threads, err := p.fs.AllThreads(pid)
	if err != nil {
		return
	}
	for _, thread := range threads {
		if s, err := thread.Schedstat(); err == nil {
			sum.Waiting += float64(s.WaitingNanoseconds) / 1e9
		}
		if s, err := thread.NewStatus(); err == nil {
			sum.Involuntary += int64(s.NonVoluntaryCtxtSwitches)
		}
	}
}
