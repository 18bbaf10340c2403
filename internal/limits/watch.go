package limits

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// quiet is how long a limit stays untold after it was told: it is struck thousands of times in a row.
const quiet = 10 * time.Minute

// shortMemory is the part of the machine's memory, or of the cgroup's, below which what is left is called a wall.
const shortMemory = 32

// Watch tells the operator which limit a running program has come up against, and what moves it: once for each limit, and
// again after ten minutes if that is still so. Safe for concurrent use.
type Watch struct {
	// Immutable after NewWatch.
	root   string
	demand Demand
	tell   func(line string)

	mu      sync.Mutex // guards the rest
	machine *Snapshot  // read when there were descriptors to read it
	last    Counters
	told    map[string]time.Time
}

// NewWatch returns a watch for a program that is reaching for d. It calls tell with a line for each limit, from Hit
// and Poll and never twice at the same time. Root is as in Read.
func NewWatch(root string, d Demand, tell func(line string)) (*Watch, error) {
	w := &Watch{root: root, demand: d, tell: tell, told: map[string]time.Time{}}
	return w, w.read()
}

func (w *Watch) read() (err error) {
	if w.last, err = ReadCounters(w.root); err != nil {
		return err
	}
	machine, err := Read(w.root)
	if err == nil {
		w.machine = machine
	}
	return err
}

// Hit says that a system call of the program ended with err. Errors that come from no limit are ignored (see
// Snapshot.Explain). A call for a limit that was told already costs no more than a lock.
func (w *Watch) Hit(err error) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.due(errno.Error()) {
		return
	}
	// A process out of descriptors cannot read; what it knew before serves as well.
	if now, err := Read(w.root); err == nil {
		w.machine = now
	}
	if line := w.machine.Explain(err, w.demand); line != "" {
		w.say(errno.Error(), fmt.Sprintf("%v: %s", errno, line))
	}
}

// Poll looks for limits that strike without an error: the kernel's counters since the last call, and the memory that is
// left. Call it every few seconds.
func (w *Watch) Poll() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.last
	if err := w.read(); err != nil {
		return err
	}
	s := w.machine
	for _, wall := range s.grown(before, w.last, w.demand.Role) {
		if line := reached(wall.check, w.demand); line != "" && w.due(wall.what) {
			w.say(wall.what, fmt.Sprintf("%d %s: %s", wall.times, wall.what, line))
		}
	}
	if s.Memory.short() && w.due(memoryName) {
		w.say(memoryName, "memory is nearly used up: "+s.memory(w.demand).String())
	}
	return nil
}

// short reports whether next to nothing is left of the memory.
func (m *Memory) short() bool {
	return m.Available < m.Total/shortMemory || m.Limit != Unlimited && m.Limit-m.Used < m.Limit/shortMemory
}

// due reports whether key may be told.
func (w *Watch) due(key string) bool {
	at, told := w.told[key]
	return !told || time.Since(at) >= quiet
}

func (w *Watch) say(key, line string) {
	w.told[key] = time.Now()
	w.tell(line)
}
