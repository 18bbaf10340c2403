package prefork

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// outputDelay is how long a dead worker's output pipe may be held open by a process it left behind.
const outputDelay = 2 * time.Second

// process is one run of one worker.
type process struct {
	cmd     *exec.Cmd
	channel *channel
	out     *prefixed
	started time.Time
}

// spawn starts a process for worker id.
func (s *Supervisor) spawn(id int) (*process, error) {
	cmd := s.cfg.Command(id)
	settings, err := s.settings(id)
	if err != nil {
		return nil, err
	}
	defer settings.Close()
	ch, childEnd, err := newChannel()
	if err != nil {
		return nil, err
	}
	defer childEnd.Close()

	out := s.output.prefixed(fmt.Sprintf("worker %d: ", id))
	prepare(cmd, id, out)
	cmd.ExtraFiles = append([]*os.File{childEnd, settings}, cmd.ExtraFiles...)
	if err := s.spawner.start(cmd); err != nil {
		ch.close()
		return nil, err
	}
	return &process{cmd: cmd, channel: ch, out: out, started: time.Now()}, nil
}

// prepare sets what makes cmd a worker: its number, its output, and that it dies with the supervisor.
func prepare(cmd *exec.Cmd, id int, out io.Writer) {
	cmd.Env = append(cmd.Environ(), envWorker+"="+strconv.Itoa(id))
	if cmd.Stdout == nil {
		cmd.Stdout = out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = out
	}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = outputDelay
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	// Out of the terminal's foreground group: Ctrl-C goes to the supervisor, which then drains its workers.
	cmd.SysProcAttr.Setpgid = true
}

// wait follows the process to its end. It calls ready when the process says so, and kills it if it has not after
// timeout.
func (p *process) wait(timeout time.Duration, ready func()) error {
	late := time.AfterFunc(timeout, func() { p.signal(syscall.SIGKILL) })
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		p.channel.read(func() {
			late.Stop()
			ready()
		})
	}()
	err := p.cmd.Wait()
	late.Stop()
	p.channel.drain()
	<-reading
	p.channel.close()
	p.out.flush()
	return err
}

// signal sends sig; a process that has ended already is left alone.
func (p *process) signal(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig) // the only error is that it has ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }
