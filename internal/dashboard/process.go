package dashboard

import (
	"encoding/json"
	"net/http"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"

	snapshot "tickgate/internal/metrics"
	"tickgate/internal/ticklog"
)

// Process answers with the numbers of one process, as JSON. All counters are since its start. It is safe for concurrent use.
type Process struct {
	// Source returns what the process has counted. It is called for each request, from any goroutine.
	Source func() snapshot.Snapshot
	// Ticks has the latencies and the collector's pauses; required.
	Ticks *ticklog.Log
}

// ServeHTTP answers with the numbers. The longest pause is that of the collections after ?since=UNIX_NANOSECONDS.
func (p Process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseInt(r.FormValue("since"), 10, 64)
	if err != nil {
		http.Error(w, "since="+strconv.Quote(r.FormValue("since"))+": not a Unix time in nanoseconds", http.StatusBadRequest)
		return
	}
	body, err := json.Marshal(p.read(since))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (p Process) read(since int64) *numbers {
	n := newNumbers(p.Source())
	n.readRuntime()
	n.readProcess()
	for _, c := range p.Ticks.Collections(since) {
		n.GC.Longest = max(n.GC.Longest, time.Duration(c.Pause).Seconds())
	}
	n.Latency = sparse(p.Ticks.Latencies())
	return n
}

// The runtime's own names; see package runtime/metrics.
const (
	heapObjects = "/memory/classes/heap/objects:bytes"
	heapLive    = "/gc/heap/live:bytes"
	heapGoal    = "/gc/heap/goal:bytes"
	gcCycles    = "/gc/cycles/total:gc-cycles"
)

func (n *numbers) readRuntime() {
	values := []metrics.Sample{{Name: heapObjects}, {Name: heapLive}, {Name: heapGoal}, {Name: gcCycles}}
	metrics.Read(values)
	for i, to := range []*uint64{&n.Heap, &n.Live, &n.Goal, &n.GC.Cycles} {
		if values[i].Value.Kind() == metrics.KindUint64 {
			*to = values[i].Value.Uint64()
		}
	}
}

// readProcess reads what the kernel knows of this process; what it does not tell stays zero.
func (n *numbers) readProcess() {
	n.PID = os.Getpid()
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		n.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	}
	statm, err := os.ReadFile("/proc/self/statm") // proc(5): sizes in pages, the second is what is resident
	if err != nil {
		return
	}
	if fields := strings.Fields(string(statm)); len(fields) > 1 {
		pages, _ := strconv.ParseUint(fields[1], 10, 64)
		n.RSS = pages * uint64(os.Getpagesize())
	}
}
