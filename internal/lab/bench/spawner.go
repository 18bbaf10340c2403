package bench

import (
	"os/exec"
	"runtime"
)

// spawner starts processes from one thread that lives as long as they do: the death signal of prctl(2) PR_SET_PDEATHSIG is sent when the thread that
// forked the child ends, not the process.
type spawner struct{ requests chan spawnRequest }

type spawnRequest struct {
	cmd *exec.Cmd
	err chan<- error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for r := range s.requests {
			r.err <- r.cmd.Start()
		}
	}()
	return s
}

// start is cmd.Start on the spawner's thread.
func (s *spawner) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	s.requests <- spawnRequest{cmd, err}
	return <-err
}

// close lets the thread go. All processes must have ended.
func (s *spawner) close() { close(s.requests) }
