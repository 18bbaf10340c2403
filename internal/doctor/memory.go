package doctor

import (
	"fmt"
	"math"
	"os"

	"github.com/dustin/go-humanize"

	"tickgate/internal/limits"
)

// leastBuffer is what a socket should be promised even when TCP is out of memory: a page, the kernel's default.
const leastBuffer = 4096

// receiveBuffers is about the first number of tcp_rmem, which each socket may use whatever tcp_mem says.
func (x *examination) receiveBuffers() (Finding, bool) {
	const key = "net.ipv4.tcp_rmem"
	rmem := x.machine.TCP.Rmem
	if rmem[0] == 0 {
		return Finding{}, false
	}
	f := Finding{
		Name: key, State: OK, Now: words("%d %d %d", rmem[0], rmem[1], rmem[2]), Need: words("a first number of %d", leastBuffer),
		Why:    "the first number is promised to each socket even when TCP is out of memory; idle ones use none of the three",
		Breaks: "tcp_mem cannot hold the line any more, and the machine's memory goes instead",
		Myth:   "\"raise all three\": the third is for a few fast bulk transfers, the first takes the brake off; neither makes ticks faster",
	}
	if promised := rmem[0] * int64(x.question.Conns); rmem[0] > leastBuffer && promised > x.tcpBytes(2) {
		f.State = Slow
		f.Holds = int(x.tcpBytes(2) / rmem[0])
		f.Why += fmt.Sprintf(": %s here, more than all that tcp_mem allows (%s)", bytes(promised), bytes(x.tcpBytes(2)))
		f.Change = sysctl(key, fmt.Sprintf(`"%d %d %d"`, leastBuffer, rmem[1], rmem[2]))
		f.Undo = sysctl(key, fmt.Sprintf(`"%d %d %d"`, rmem[0], rmem[1], rmem[2]))
	}
	return f, true
}

// sendBuffers is about clients that do not read, whose messages wait in the kernel.
func (x *examination) sendBuffers() (Finding, bool) {
	wmem := x.machine.TCP.Wmem
	if wmem[2] == 0 || x.question.Role == limits.Swarm {
		return Finding{}, false
	}
	each, bound := x.sendBuffer()
	sleepers := share(x.question.Conns)
	f := Finding{
		Name: "net.ipv4.tcp_wmem", State: OK, Now: words("%d %d %d", wmem[0], wmem[1], wmem[2]),
		Need:  words("at most %s for a client that does not read", bytes(x.tcpBytes(1)/sleepers)),
		Why:   fmt.Sprintf("a client that does not read holds up to %s, by %s", bytes(each), bound),
		Holds: int(float64(x.tcpBytes(1)) / float64(each) / asleep),
		Breaks: fmt.Sprintf("1 %% of the clients asleep hold %s, TCP comes under pressure at %s and shrinks everybody's windows",
			bytes(each*sleepers), bytes(x.tcpBytes(1))),
		Myth: "\"larger buffers make a faster server\": a tick is smaller than any of them; they only let stale ones queue up",
	}
	if each*sleepers > x.tcpBytes(1) {
		f.State, f.Change = Slow, "gateway --sndbuf 64KiB"
		f.Undo = fmt.Sprintf("gateway --sndbuf %d", x.question.SndBuf)
		if fitting := x.tcpBytes(1) / sleepers / 2; fitting < 64<<10 {
			f.Change = fmt.Sprintf("gateway --sndbuf %d (and raise net.ipv4.tcp_mem)", max(leastBuffer, fitting))
		}
	}
	return f, true
}

// sendBuffer returns how much one client's send buffer can hold and which setting says so. The kernel doubles what
// SO_SNDBUF asks for (socket(7)) and bounds it by net.core.wmem_max.
func (x *examination) sendBuffer() (each int64, bound string) {
	switch asked := x.question.SndBuf; {
	case asked == 0:
		return x.machine.TCP.Wmem[2], "its third number (--sndbuf is 0)"
	case x.facts.WmemMax != missing && asked > x.facts.WmemMax:
		return 2 * x.facts.WmemMax, "net.core.wmem_max, which is less than --sndbuf"
	default:
		return 2 * asked, "twice --sndbuf, not by these"
	}
}

// tcpBytes returns number i of tcp_mem in bytes; without it, as in a container, all memory that is left.
func (x *examination) tcpBytes(i int) int64 {
	if pages := x.machine.TCP.Mem[i]; pages > 0 && pages < math.MaxInt64/int64(os.Getpagesize()) {
		return pages * int64(os.Getpagesize())
	}
	return x.machine.Memory.Room()
}

// swap is about a heap that is on a disk when the garbage collector wants to read it.
func (x *examination) swap() (Finding, bool) {
	f := Finding{
		Name: "swap", State: OK, Now: words("none"), Need: words("none used"),
		Why:    "the garbage collector reads all of the heap each time, and a loop waits for a page that is on a disk",
		Breaks: "latency goes from milliseconds to seconds, long before anything fails",
		Myth:   "\"swap gives more connections\": sockets are kernel memory, which is never swapped; \"swappiness=0 forbids it\": it only comes later",
	}
	if x.facts.SwapTotal > 0 {
		f.Now = words("%s of %s used", bytes(x.facts.SwapUsed), bytes(x.facts.SwapTotal))
	}
	if x.facts.SwapUsed > x.facts.SwapTotal/10 {
		f.State, f.Change, f.Undo = Note, "sudo swapoff -a (with memory enough), or MemorySwapMax=0 for the service", "sudo swapon -a"
	}
	return f, true
}

// hugePages is about memory that the Go runtime gives back and khugepaged takes again.
func (x *examination) hugePages() (Finding, bool) {
	const fill = "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none"
	if x.facts.HugePages == "" {
		return Finding{}, false
	}
	f := Finding{
		Name: "transparent huge pages", State: OK, Now: words("%s", x.facts.HugePages), Need: words("not always"),
		Why:    "with always and max_ptes_none > 0, khugepaged fills up what the Go runtime has given back (Go's GC guide)",
		Breaks: "user-space memory stays at its peak, up to 2 MiB for each 4 KiB in use",
		Myth:   "\"never, as databases say\": they fork and copy; a Go heap gains from huge pages, and sockets are not in it",
	}
	if x.facts.HugePages == "always" && x.facts.HugeFill > 0 {
		f.State = Note
		f.Now = words("always, max_ptes_none %d", x.facts.HugeFill)
		f.Change = "echo 0 | sudo tee " + fill
		f.Undo = fmt.Sprintf("echo %d | sudo tee %s", x.facts.HugeFill, fill)
	}
	return f, true
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(0, n))) }
