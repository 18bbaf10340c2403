package prefork

import (
	"os/exec"
	"runtime"
)

// spawner starts processes from one operating system thread that lives as long as they do.
//
// The death signal of prctl(2) PR_SET_PDEATHSIG is sent when the *thread* that forked the child ends, not the
// process. Go ends a thread when a goroutine returns without having unlocked it, so a worker started from just any
// thread could be killed while the supervisor is well.
type spawner struct {
	requests chan spawnRequest
}

type spawnRequest struct {
	cmd *exec.Cmd
	err chan<- error
}

func newSpawner() *spawner {
	sp := &spawner{requests: make(chan spawnRequest)}
	go sp.run()
	return sp
}

func (sp *spawner) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for r := range sp.requests {
		r.err <- r.cmd.Start()
	}
}

// start is cmd.Start on the spawner's thread.
func (sp *spawner) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	sp.requests <- spawnRequest{cmd: cmd, err: err}
	return <-err
}

// close lets the thread go. All processes must have ended.
func (sp *spawner) close() { close(sp.requests) }
