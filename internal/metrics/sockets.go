package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/prometheus/procfs"
)

// Sockets is what the kernel says about the TCP sockets of this machine.
type Sockets struct {
	Memory   int64 // bytes, of all sockets of the machine
	InUse    int   // of this network namespace, both address families
	Orphan   int   // closed by their program, not yet by their peer
	TimeWait int
}

// ReadSockets reads /proc/net/sockstat and sockstat6 below procRoot. The kernel sums counters for it and walks no socket.
func ReadSockets(procRoot string) (Sockets, error) {
	proc, err := procfs.NewFS(procRoot)
	if err != nil {
		return Sockets{}, fmt.Errorf("open %s: %w", procRoot, err)
	}
	v4, err := proc.NetSockstat()
	if err != nil {
		return Sockets{}, fmt.Errorf("read sockstat: %w", err)
	}
	v6, err := proc.NetSockstat6()
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // IPv6 may be disabled
		return Sockets{}, fmt.Errorf("read sockstat6: %w", err)
	}
	tcp := protocol(v4, "TCP")
	return Sockets{
		Memory: int64(count(tcp.Mem)) * int64(os.Getpagesize()), // the unit is pages
		InUse:  tcp.InUse + protocol(v6, "TCP6").InUse,
		Orphan: count(tcp.Orphan), TimeWait: count(tcp.TW),
	}, nil
}

func count(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}
