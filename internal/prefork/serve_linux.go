package prefork

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// headerTimeout bounds a request head on the private channel; the supervisor sends it in one write.
const headerTimeout = 10 * time.Second

// Serve answers the requests of Worker.Client with h until the supervisor is gone, and then returns nil.
func (c *Child) Serve(h http.Handler) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: headerTimeout}
	err := server.Serve(c.Listener())
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Listener accepts the supervisor's connections. It ends with net.ErrClosed when it is closed or the supervisor is
// gone.
func (c *Child) Listener() net.Listener {
	return &listener{child: c, closed: make(chan struct{})}
}

// receive hands over the connections that come through the channel until the supervisor is gone.
func (c *Child) receive() {
	defer close(c.gone)
	var b [1]byte
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		_, n, _, _, err := c.channel.ReadMsgUnix(b[:], oob)
		if err != nil {
			return
		}
		conn, err := attached(oob[:n])
		if err != nil {
			continue // out of descriptors: the supervisor sees its end closed and fails that one request
		}
		go c.offer(conn)
	}
}

// offer gives conn to the next Accept.
func (c *Child) offer(conn net.Conn) {
	select {
	case c.conns <- conn:
	case <-c.gone:
		conn.Close()
	}
}

// attached returns the one connection in the control message oob (unix(7)).
func attached(oob []byte) (net.Conn, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return nil, errors.Join(errors.New("no control message"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(errors.New("no descriptor"), err)
	}
	return fileConn(os.NewFile(uintptr(fds[0]), "connection"))
}

// listener implements net.Listener over Child.conns.
type listener struct {
	child  *Child
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.child.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-l.child.gone:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.child.channel.LocalAddr() }
