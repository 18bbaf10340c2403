package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// Listeners returns the processes that listen on one of these TCP ports, on any address of this network namespace.
// Processes of other users are found only by root.
func Listeners(ports ...uint16) ([]int, error) {
	sockets, err := listening(ports)
	if err != nil || len(sockets) == 0 {
		return nil, err
	}
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("find listeners: %w", err)
	}
	var pids []int
	for _, proc := range all {
		if owns(proc, sockets) {
			pids = append(pids, proc.PID)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// listening returns the names of the sockets that listen on ports, as they stand in /proc/PID/fd.
func listening(ports []uint16) (map[string]bool, error) {
	sockets := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if errors.Is(err, fs.ErrNotExist) { // no IPv6
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find listeners: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			if port, inode, ok := parseListener(line); ok && slices.Contains(ports, port) {
				sockets["socket:["+inode+"]"] = true
			}
		}
	}
	return sockets, nil
}

// parseListener reads a line of /proc/net/tcp (proc(5)): number, local address, remote address, state, three fields in
// between, user, timeout, inode. ok says that it is a listening socket.
func parseListener(line string) (port uint16, inode string, ok bool) {
	const listen = "0A" // TCP_LISTEN
	fields := strings.Fields(line)
	if len(fields) < 10 || fields[3] != listen {
		return 0, "", false
	}
	_, hex, _ := strings.Cut(fields[1], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return uint16(n), fields[9], err == nil
}

func owns(proc procfs.Proc, sockets map[string]bool) bool {
	targets, err := proc.FileDescriptorTargets()
	if err != nil {
		return false // it has ended, or is somebody else's
	}
	return slices.ContainsFunc(targets, func(target string) bool {
		return strings.HasPrefix(target, "socket:") && sockets[target]
	})
}
