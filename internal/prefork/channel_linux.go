package prefork

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What travels on the channel: single bytes, each a message of its own (SOCK_SEQPACKET keeps the borders). The end
// of the stream means that the other process is gone.
const (
	msgReady = 'r' // worker → supervisor: ready
	msgConn  = 'c' // supervisor → worker: the attached descriptor is a new connection for the worker's HTTP server
)

// channel is the supervisor's end of the pair of sockets it shares with one process. Connections to the worker are
// made by passing one end of a fresh pair through it (unix(7), SCM_RIGHTS), so there is no address that anybody else
// could connect to and no file to clean up.
type channel struct {
	conn  *net.UnixConn
	first chan net.Conn // see newChannel

	sending sync.Mutex // one deadline and message at a time
}

// newChannel returns both ends; the caller passes the second one on and closes it. One connection is put into the
// channel in advance, while the worker surely has descriptors left: HTTP/2 needs no second one, so the pages of a
// worker that has run out of descriptors can still be read.
func newChannel() (*channel, *os.File, error) {
	ours, theirs, err := socketpair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, nil, err
	}
	conn, err := fileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	ch := &channel{conn: conn, first: make(chan net.Conn, 1)}
	first, err := ch.connect(time.Time{})
	if err != nil {
		ch.close()
		theirs.Close()
		return nil, nil, err
	}
	ch.first <- first
	return ch, theirs, nil
}

// dial returns a new connection to the worker's HTTP server.
func (ch *channel) dial(ctx context.Context) (net.Conn, error) {
	select {
	case conn := <-ch.first:
		return conn, nil
	default:
	}
	deadline, _ := ctx.Deadline()
	return ch.connect(deadline)
}

func (ch *channel) connect(deadline time.Time) (net.Conn, error) {
	ours, theirs, err := socketpair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if err := ch.send(theirs, deadline); err != nil {
		ours.Close()
		return nil, err
	}
	return fileConn(ours)
}

func (ch *channel) send(file *os.File, deadline time.Time) error {
	ch.sending.Lock()
	defer ch.sending.Unlock()
	if err := ch.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	_, _, err := ch.conn.WriteMsgUnix([]byte{msgConn}, unix.UnixRights(int(file.Fd())), nil)
	return err
}

// read calls ready for each such message until the worker is gone or the channel is closed.
func (ch *channel) read(ready func()) {
	var b [1]byte
	for {
		_, err := ch.conn.Read(b[:])
		if errors.Is(err, unix.ECONNRESET) {
			continue // the worker ended with connections not taken; told once, before what it said
		}
		if err != nil {
			return
		}
		if b[0] == msgReady {
			ready()
		}
	}
}

// drain ends read once it has taken what the process said before its end: that it was ready counts, however soon it ended.
// To wait for the end of the stream would be to wait for whoever else has inherited the socket.
func (ch *channel) drain() {
	_ = ch.conn.CloseRead() // what is queued can be read still (shutdown(2)); fails only once closed
}

func (ch *channel) close() {
	ch.conn.Close()
	select {
	case conn := <-ch.first:
		conn.Close()
	default:
	}
}

// socketpair returns two connected unix sockets that are not inherited by accident.
func socketpair(kind int) (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "supervisor"), os.NewFile(uintptr(fds[1]), "worker"), nil
}

// fileConn turns file into a connection and closes it.
func fileConn(file *os.File) (*net.UnixConn, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("descriptor %s is a %s socket, want unix", file.Name(), conn.LocalAddr().Network())
	}
	return uc, nil
}
