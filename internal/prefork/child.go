package prefork

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// envWorker holds the worker's number. It also marks the process as a worker.
const envWorker = "PREFORK_WORKER"

// The descriptors a worker inherits; those of Config.Command's ExtraFiles follow.
const (
	fdChannel  = 3
	fdSettings = 4
	fdExtra    = 5
)

// Child is a worker's own view: what it inherited from its supervisor. All methods are safe for concurrent use.
type Child struct {
	// immutable after Join
	id       int
	settings []byte
	channel  *net.UnixConn

	conns chan net.Conn // handed over by the supervisor, for Listener
	gone  chan struct{} // closed when the supervisor is gone
}

// IsChild reports whether this process was started as a worker. It must be asked before Join, and then Join called
// before anything opens descriptors of its own.
func IsChild() bool { return os.Getenv(envWorker) != "" }

// Join takes over what the supervisor handed to this process, and hides it from the processes that this one starts.
// It may be called once.
func Join() (*Child, error) {
	id, err := strconv.Atoi(os.Getenv(envWorker))
	if err != nil {
		return nil, fmt.Errorf("join supervisor: %s is set by hand: %w", envWorker, err)
	}
	os.Unsetenv(envWorker)
	settings, err := readSettings()
	if err != nil {
		return nil, fmt.Errorf("join supervisor: read settings: %w", err)
	}
	unix.CloseOnExec(fdChannel)
	conn, err := fileConn(os.NewFile(fdChannel, "channel"))
	if err != nil {
		return nil, fmt.Errorf("join supervisor: open channel: %w", err)
	}
	restoreName()
	c := &Child{id: id, settings: settings, channel: conn, conns: make(chan net.Conn), gone: make(chan struct{})}
	go c.receive()
	return c, nil
}

// ID returns the worker's number, 0 to Config.Workers-1.
func (c *Child) ID() int { return c.id }

// ExtraFile returns file i of the ExtraFiles that Config.Command gave to this process. There must be so many, and each may
// be asked for once.
func (c *Child) ExtraFile(i int) *os.File {
	unix.CloseOnExec(fdExtra + i)
	return os.NewFile(uintptr(fdExtra+i), "inherited")
}

// Settings decodes what Config.Settings returned for this worker into v.
func (c *Child) Settings(v any) error {
	if err := json.Unmarshal(c.settings, v); err != nil {
		return fmt.Errorf("decode settings of worker %d: %w", c.id, err)
	}
	return nil
}

// Ready tells the supervisor that the worker does its work from now on.
func (c *Child) Ready() error {
	if _, err := c.channel.Write([]byte{msgReady}); err != nil {
		return fmt.Errorf("tell supervisor of readiness: %w", err)
	}
	return nil
}

// Gone is closed when the supervisor has died. The kernel kills the worker then anyway, with SIGKILL; the exception
// is a worker that has changed its user or gained privileges since its start (prctl(2), PR_SET_PDEATHSIG), which
// must end by itself.
func (c *Child) Gone() <-chan struct{} { return c.gone }

// readSettings reads the settings to their end and closes them.
func readSettings() ([]byte, error) {
	file := os.NewFile(fdSettings, "settings")
	defer file.Close()
	return io.ReadAll(file)
}

// restoreName makes ps and pgrep show the program's name; started through /proc/self/exe it would be "exe".
func restoreName() {
	// Without it only a name is wrong.
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0)
}
