package undo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// The descriptors a guardian is started with.
const (
	ordersFD = 3 // it reads what to restore, and the keeper's death as the end of the file
	acksFD   = 4 // it writes a byte for each order that it has taken
	lockFD   = 5 // it keeps it open
)

// ackTimeout is how long a guardian may take to answer; it has nothing else to do.
const ackTimeout = 5 * time.Second

// order is what a keeper tells its guardian: to keep these settings in mind, or, without any, that they are as they were.
type order struct {
	Dir     string   `json:"dir"` // of the undo file
	Journal *journal `json:"journal"`
}

// guardian is the keeper's side of its guardian process.
type guardian struct {
	cmd    *exec.Cmd
	orders *os.File
	acks   *os.File
}

// startGuardian starts cmd, which must end up in Guard, with the lock in its hands.
func startGuardian(cmd *exec.Cmd, lock *os.File) (*guardian, error) {
	childOrders, orders, err := os.Pipe()
	if err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	defer childOrders.Close()
	acks, childAcks, err := os.Pipe()
	if err != nil {
		orders.Close()
		return nil, os.NewSyscallError("pipe2", err)
	}
	defer childAcks.Close()

	cmd.ExtraFiles = []*os.File{childOrders, childAcks, lock}
	cmd.Dir = "/" // hold no mount busy
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		orders.Close()
		acks.Close()
		return nil, fmt.Errorf("start guardian: %w", err)
	}
	return &guardian{cmd: cmd, orders: orders, acks: acks}, nil
}

// tell sends an order and waits until the guardian has taken it.
func (g *guardian) tell(o order) error {
	if err := json.NewEncoder(g.orders).Encode(o); err != nil {
		return fmt.Errorf("tell guardian: %w", err)
	}
	if err := g.acks.SetReadDeadline(time.Now().Add(ackTimeout)); err != nil {
		return fmt.Errorf("tell guardian: %w", err)
	}
	if _, err := io.ReadFull(g.acks, make([]byte, 1)); err != nil {
		return fmt.Errorf("wait for guardian: %w", err)
	}
	return nil
}

// dismiss ends the guardian; if it still has something to restore it does that first.
func (g *guardian) dismiss() {
	g.orders.Close()
	_ = g.cmd.Wait() // its status says what it has written to stderr already
	g.acks.Close()
}

// Guard is the guardian's main function. It returns the exit status when there is nothing left to guard, and writes what it had to do to stderr.
func Guard(stderr io.Writer) int {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE)
	// The lock's file is never touched; that its descriptor stays open to the end is the point.
	held := follow(os.NewFile(ordersFD, "orders"), os.NewFile(acksFD, "acks"))
	if held.Journal == nil {
		return 0
	}
	if err := held.Journal.restore(); err != nil {
		fmt.Fprintf(stderr, "lab's guardian: lab ended without restoring sysctls, and they cannot be restored: %v\nthe undo file stays in %s\n", err, held.Dir)
		return 1
	}
	if err := drop(held.Dir); err != nil {
		fmt.Fprintln(stderr, "lab's guardian:", err)
		return 1
	}
	fmt.Fprintf(stderr, "lab's guardian: lab ended without restoring sysctls; restored %s\n", held.Journal)
	return 0
}

// follow takes orders until their end and returns the last one. A torn order was not acknowledged, and so nothing was done about it.
func follow(orders io.Reader, acks io.Writer) (held order) {
	decoder := json.NewDecoder(bufio.NewReader(orders))
	for {
		var next order
		if decoder.Decode(&next) != nil {
			return held
		}
		held = next
		_, _ = acks.Write([]byte{1}) // if nobody reads it the end is near
	}
}
