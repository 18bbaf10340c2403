package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// grace is how long a program has to end after SIGTERM.
	grace = 3 * time.Second
	// outputDelay is how long a program's output may be held open by a process that it left behind.
	outputDelay = time.Second
)

// process is a running program. Its methods can be called on nil, for a program that was never started.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read once done is closed
	log    *os.File
	done   chan struct{}
	err    error // of the program's end, once done is closed
}

// start starts a program through the shim; what it writes to its standard error goes to a file.
func (b *Bench) start(name string, c command, log string) (*process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, log: file, done: make(chan struct{})}
	p.cmd = b.shim(c)
	p.cmd.Env = environ(c.env)
	p.cmd.Stdout = &p.stdout
	p.cmd.Stderr = file
	p.cmd.WaitDelay = outputDelay
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL, // lab may be killed at any moment
		Setpgid:   true,            // Ctrl-C is for lab, which then ends its programs in order
	}
	if err := b.spawner.start(p.cmd); err != nil {
		file.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// shim returns the command that enters the namespace, sets the limit, and becomes the program.
func (b *Bench) shim(c command) *exec.Cmd {
	argv := append(append([]string{}, b.cfg.Shim...), fmt.Sprintf("--nofile=%d", c.nofile))
	if c.namespace != nil {
		argv = append(argv, fmt.Sprintf("--namespace=%d", namespaceFD))
	}
	argv = append(append(argv, "--", c.path), c.args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	if c.namespace != nil {
		cmd.ExtraFiles = []*os.File{c.namespace.File()}
	}
	return cmd
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ending is closed when the program ends; that of no program never is.
func (p *process) ending() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.done
}

// ended says how the program ended, with the last lines that it wrote; done has to be closed.
func (p *process) ended() error {
	how := "status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("the %s ended (%s): %s", p.name, how, p.tail())
}

// tail returns the last lines of the log, on one line.
func (p *process) tail() string {
	const lines = 6
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(all) == 1 && all[0] == "" {
		return "it said nothing, see " + filepath.Base(p.log.Name())
	}
	return strings.Join(all[max(0, len(all)-lines):], " | ")
}

// output returns what the program wrote to its standard output; done has to be closed.
func (p *process) output() []byte { return bytes.TrimSpace(p.stdout.Bytes()) }

// interrupt asks the program to come to an end.
func (p *process) interrupt() { p.signal(syscall.SIGINT) }

// stop ends the program and waits for it. What it started itself ends with it: the workers of both programs do.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
	p.log.Close()
}

func (p *process) signal(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig) // the only error is that it has ended
}
