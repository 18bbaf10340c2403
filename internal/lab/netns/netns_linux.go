// Package netns makes network namespaces that nobody else can see: they have no name and are held only by an open descriptor and by the processes in
// them. When those end, however they end, the kernel removes the namespace with its links, rules, sockets and settings; there is nothing to clean up.
//
// Left to others: what runs in them.
package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace. Its methods are safe for concurrent use except Close.
type Namespace struct{ file *os.File }

// New makes a namespace with nothing but a loopback interface, which is up. It takes CAP_SYS_ADMIN.
func New() (*Namespace, error) {
	ns := new(Namespace)
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare(CLONE_NEWNET)", err)
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		ns.file = file
		return setUp("lo")
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make network namespace: %w", err), ns.Close())
	}
	return ns, nil
}

// File is the namespace as an open file, for setns(2). It belongs to the Namespace.
func (ns *Namespace) File() *os.File { return ns.file }

// Do calls f on a thread that is in the namespace, and waits for it. Sockets that f opens and files below /proc/sys/net that it opens by itself, not on
// goroutines of its own, are the namespace's.
func (ns *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := Enter(ns.file); err != nil {
			return err
		}
		return f()
	})
}

// Close lets go of the namespace, which lives on while there are processes in it. Closing nil or twice does nothing.
func (ns *Namespace) Close() error {
	if ns == nil || ns.file == nil {
		return nil
	}
	err := ns.file.Close()
	ns.file = nil
	return err
}

// Enter moves the calling thread into a namespace. The caller has locked its goroutine to the thread.
func Enter(namespace *os.File) error {
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	return nil
}

// onThread calls f on a thread of its own, which ends with f: the goroutine stays locked to it, and so no other ever runs in another namespace than
// it expects.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// setUp brings an interface of the calling thread's namespace up.
func setUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return os.NewSyscallError("ioctl(SIOCGIFFLAGS "+name+")", err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return os.NewSyscallError("ioctl(SIOCSIFFLAGS "+name+")", err)
	}
	return nil
}
