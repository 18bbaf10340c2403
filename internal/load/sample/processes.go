package sample

import (
	"fmt"
	"slices"

	"github.com/prometheus/procfs"
)

// Processes is a set of processes and all their descendants. Not safe for concurrent use.
//
// What a process that has ended used, as far as it was read before, stays in the sum, so that counters only grow while
// workers come and go.
type Processes struct {
	fs    procfs.FS
	find  func() ([]int, error)
	skip  []int
	root  []int
	pids  []int
	last  map[int]Usage // of every process that still ran when it was read last
	ended Usage         // counters of those that have ended
}

// NewProcesses returns the processes that find names, and looks for them again when all of these have ended. skip names
// subtrees that do not count: a benchmark's own processes, where they are descendants of what it measures.
func NewProcesses(find func() ([]int, error), skip []int) (*Processes, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, fmt.Errorf("sample processes: %w", err)
	}
	p := &Processes{fs: fs, find: find, skip: skip, last: make(map[int]Usage)}
	if p.root, err = find(); err != nil {
		return nil, err
	}
	for _, pid := range p.root {
		if _, err := fs.Proc(pid); err != nil {
			return nil, fmt.Errorf("sample process %d: %w", pid, err)
		}
	}
	return p, p.Refresh()
}

// Fixed finds always the same processes.
func Fixed(pids ...int) func() ([]int, error) {
	return func() ([]int, error) { return pids, nil }
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
	running := make(map[int]bool)
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil { // else it has just ended
			children[stat.PPID] = append(children[stat.PPID], proc.PID)
			running[proc.PID] = true
		}
	}
	if !slices.ContainsFunc(p.root, func(pid int) bool { return running[pid] }) {
		if p.root, err = p.find(); err != nil {
			return err
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
	RSS       int64 // bytes; shared pages count for every process
	PSS       int64 // bytes; shared pages are divided. 0 if it was not asked for or may not be read

	// Counters.
	User    float64 // processor seconds in user space
	System  float64 // processor seconds in the kernel
	Waiting float64 // seconds that threads were ready but had no processor, as of the last Detail
	// Involuntary counts how often a thread had to leave its processor, as of the last Detail.
	Involuntary int64
}

// CPU returns the processor seconds.
func (u Usage) CPU() float64 { return u.User + u.System }

func (u *Usage) add(o Usage) {
	u.Processes += o.Processes
	u.Threads += o.Threads
	u.RSS += o.RSS
	u.PSS += o.PSS
	u.addCounters(o)
}

func (u *Usage) addCounters(o Usage) {
	u.User += o.User
	u.System += o.System
	u.Waiting += o.Waiting
	u.Involuntary += o.Involuntary
}

// Usage reads what is cheap: sizes and processor time.
func (p *Processes) Usage() Usage { return p.read(func(int, *Usage) {}) }

// Detail reads what takes a few milliseconds more: proportional memory, and what the threads had to wait for.
func (p *Processes) Detail() Usage { return p.read(p.detail) }

// read sums up all processes; more adds to what was read of each.
func (p *Processes) read(more func(pid int, u *Usage)) Usage {
	for _, pid := range p.pids {
		u, err := p.one(pid)
		if err != nil {
			p.bury(pid)
			continue
		}
		more(pid, &u)
		p.last[pid] = u
	}
	for pid := range p.last {
		if !slices.Contains(p.pids, pid) {
			p.bury(pid)
		}
	}
	sum := p.ended
	for _, u := range p.last {
		sum.add(u)
	}
	return sum
}

// userHz is the unit of the times in /proc/PID/stat (proc(5)); it is 100 on every architecture Go knows.
const userHz = 100

func (p *Processes) one(pid int) (Usage, error) {
	proc, err := p.fs.Proc(pid)
	if err != nil {
		return Usage{}, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return Usage{}, err
	}
	return Usage{
		Processes: 1, Threads: stat.NumThreads, RSS: int64(stat.ResidentMemory()),
		User: float64(stat.UTime) / userHz, System: float64(stat.STime) / userHz,
		Waiting: p.last[pid].Waiting, Involuntary: p.last[pid].Involuntary,
	}, nil
}

// bury keeps the counters of a process that has ended.
func (p *Processes) bury(pid int) {
	p.ended.addCounters(p.last[pid])
	delete(p.last, pid)
}

func (p *Processes) detail(pid int, u *Usage) {
	if proc, err := p.fs.Proc(pid); err == nil {
		if rollup, err := proc.ProcSMapsRollup(); err == nil {
			u.PSS = int64(rollup.Pss)
		}
	}
	threads, err := p.fs.AllThreads(pid)
	if err != nil {
		return
	}
	u.Waiting, u.Involuntary = 0, 0
	for _, thread := range threads {
		if s, err := thread.Schedstat(); err == nil {
			u.Waiting += float64(s.WaitingNanoseconds) / 1e9
		}
		if s, err := thread.NewStatus(); err == nil {
			u.Involuntary += int64(s.NonVoluntaryCtxtSwitches)
		}
	}
}
