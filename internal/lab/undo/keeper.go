package undo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab/sysctl"
)

// Config is what a keeper needs.
type Config struct {
	// Dir holds the undo file and the lock. It is made if necessary, and has to be the same for every keeper of a machine.
	Dir string
	// Tree holds the settings.
	Tree sysctl.Tree
	// Guardian returns the command of a guardian, not yet started, which has to call Guard.
	Guardian func() *exec.Cmd
	// Patience is how long Open waits for another keeper, or the guardian of a dead one, to be done. Default 5 s.
	Patience time.Duration
	// Log is told about what was left behind by others; it may not be nil.
	Log func(format string, args ...any)
}

// Keeper changes settings and restores them. It is for one goroutine.
type Keeper struct {
	cfg      Config
	lock     *os.File
	guardian *guardian // nil until the first change
	held     *journal  // nil while everything is as it was
}

// defaultPatience is ample for a guardian, which has a few files to write.
const defaultPatience = 5 * time.Second

// ErrBusy says that another keeper is at work.
var ErrBusy = errors.New("another lab is running on this machine, and two at once would measure each other")

// ErrHeld says that settings cannot be changed because those of the last Apply are not restored.
var ErrHeld = errors.New("sysctls of the last run could not be restored")

// Open takes the lock and restores what a keeper and a guardian that were both killed have left behind.
func Open(cfg Config) (*Keeper, error) {
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make directory of the undo file: %w", err)
	}
	lock, err := takeLock(filepath.Join(cfg.Dir, "lock"), cfg.Patience)
	if err != nil {
		return nil, err
	}
	k := &Keeper{cfg: cfg, lock: lock}
	if err := k.recover(); err != nil {
		lock.Close()
		return nil, err
	}
	return k, nil
}

func takeLock(path string, patience time.Duration) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			err = fmt.Errorf("lock %s: %w", path, os.NewSyscallError("flock", err))
			break
		}
		if time.Now().After(deadline) {
			err = fmt.Errorf("%w (%s is locked)", ErrBusy, path)
			break
		}
	}
	file.Close()
	return nil, err
}

// recover honours an undo file that nobody else will: the lock is ours.
func (k *Keeper) recover() error {
	left, err := loadJournal(k.cfg.Dir)
	if err != nil || left == nil {
		return err
	}
	when := left.At.Format(time.DateTime)
	if left.Boot != bootID() {
		k.cfg.Log("a lab of %s left an undo file, but the machine was booted since: nothing to restore", when)
		return drop(k.cfg.Dir)
	}
	if err := left.restore(); err != nil {
		return fmt.Errorf("restore what a lab of %s (process %d) left behind, from %s: %w", when, left.Process, filepath.Join(k.cfg.Dir, journalName), err)
	}
	k.cfg.Log("restored what a lab of %s (process %d) left behind: %s", when, left.Process, left)
	return drop(k.cfg.Dir)
}

// Apply changes settings. Unless it returns an error, Restore has to be called before the next Apply; after an error all is as it was.
func (k *Keeper) Apply(settings []Setting) error {
	if k.held != nil {
		return ErrHeld
	}
	if len(settings) == 0 {
		return nil
	}
	j := &journal{Process: os.Getpid(), Boot: bootID(), At: time.Now(), Root: k.cfg.Tree.Root}
	for _, s := range settings {
		original, err := k.cfg.Tree.Read(s.Name)
		if err != nil {
			return err
		}
		j.Settings = append(j.Settings, setting{s.Name, original, s.Value})
	}
	if err := k.prepare(j); err != nil {
		return err
	}
	for _, s := range settings {
		if err := k.cfg.Tree.Write(s.Name, s.Value); err != nil {
			return errors.Join(err, k.Restore())
		}
	}
	return nil
}

// Setting is a kernel setting and the value that it shall have.
type Setting struct{ Name, Value string }

// prepare makes sure that the settings are restored before any of them is changed. The guardian comes first: if we are killed in between it removes the
// undo file too.
func (k *Keeper) prepare(j *journal) error {
	if err := k.tell(order{Dir: k.cfg.Dir, Journal: j}); err != nil {
		return err
	}
	if err := j.save(k.cfg.Dir); err != nil {
		return errors.Join(err, k.tell(order{Dir: k.cfg.Dir}))
	}
	k.held = j
	return nil
}

// tell gives the guardian an order. One that is gone is replaced: somebody may have killed it.
func (k *Keeper) tell(o order) error {
	if k.guardian != nil {
		if k.guardian.tell(o) == nil {
			return nil
		}
		k.guardian.dismiss()
		k.guardian = nil
	}
	g, err := startGuardian(k.cfg.Guardian(), k.lock)
	if err != nil {
		return err
	}
	k.guardian = g
	return g.tell(o)
}

// Restore changes back what Apply changed. After an error the undo file and the guardian stay as they are.
func (k *Keeper) Restore() error {
	if k.held == nil {
		return nil
	}
	if err := k.held.restore(); err != nil {
		return fmt.Errorf("restore sysctls: %w", err)
	}
	// The file first: if the guardian acts after this it restores what is restored already.
	if err := drop(k.cfg.Dir); err != nil {
		return err
	}
	k.held = nil
	return k.tell(order{Dir: k.cfg.Dir})
}

// Close restores what is still changed, ends the guardian and gives up the lock.
func (k *Keeper) Close() error {
	err := k.Restore()
	if k.guardian != nil {
		k.guardian.dismiss()
	}
	return errors.Join(err, k.lock.Close())
}
