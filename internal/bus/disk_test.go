package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// diskKind makes an owner process mount another file system on its directory, in a name space of its own.
const diskKind = "TICKGATE_TEST_BUS_DISK"

const (
	smallDisk    = "small" // 4 MiB; the process fills it and tells how that was
	fullDisk     = "full"  // 1 MiB, not a byte of it free
	readOnlyDisk = "read-only"
)

func mountDisk(dir string) error {
	switch os.Getenv(diskKind) {
	case smallDisk:
		return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m")
	case fullDisk:
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
			return err
		}
		_ = os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 2<<20), 0o600)
		return nil
	case readOnlyDisk:
		return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "")
	default:
		return nil
	}
}

// ownerOnDisk is the command of an owner whose directory is on such a disk.
func ownerOnDisk(dir, disk string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerDir+"="+dir, diskKind+"="+disk)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:   syscall.SIGKILL,
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// needNameSpaces skips a test where unprivileged name spaces are forbidden.
func needNameSpaces(t *testing.T) {
	t.Helper()
	cmd := ownerOnDisk("", "")
	cmd.Path, cmd.Args = "/bin/true", []string{"true"}
	if err := cmd.Run(); err != nil {
		t.Skipf("no name spaces here: %v", err)
	}
}

func TestUnusableDisk(t *testing.T) {
	t.Parallel()
	needNameSpaces(t)
	for disk, want := range map[string]string{readOnlyDisk: "read-only file system", fullDisk: "no space left on device"} {
		t.Run(disk, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out, err := ownerOnDisk(dir, disk).CombinedOutput()
			if err == nil || !strings.Contains(string(out), dir) || !strings.Contains(string(out), want) {
				t.Errorf("got %q, %v, want an error that names %s and says %q", out, err, dir, want)
			}
		})
	}
}

// fillDisk publishes until the bus fails and tells how that was: the acknowledged messages that are there after
// another start, and the errors.
func fillDisk(b *Bus) diskReport {
	var r diskReport
	for r.Acked < 10_000 {
		if _, err := b.Publish(background, Msg{Topic: "a", Payload: make([]byte, 50_000)}); err != nil {
			r.PublishError = err.Error()
			break
		}
		r.Acked++
	}
	select {
	case <-b.Done():
	case <-time.After(patience):
	}
	var storage *StorageError
	r.Typed = errors.As(b.Err(), &storage)
	r.BusError = fmt.Sprint(b.Err())
	return r
}

type diskReport struct {
	Acked        int
	PublishError string
	BusError     string
	Typed        bool
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	needNameSpaces(t)
	dir := t.TempDir()
	cmd := ownerOnDisk(dir, smallDisk)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	var r diskReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("report of the child: %v in %q", err, out)
	}
	if r.Acked < 10 || r.Acked > 100 {
		t.Errorf("acknowledged messages of 50 kB on a disk of 4 MiB: got %d, want about 80", r.Acked)
	}
	for what, got := range map[string]string{"Publish": r.PublishError, "Err": r.BusError} {
		if !strings.Contains(got, dir) || !strings.Contains(got, "no space left on device") {
			t.Errorf("%s: got %q, want it to name %s and the reason", what, got, dir)
		}
	}
	if !r.Typed {
		t.Errorf("Err: got %q, want a *StorageError", r.BusError)
	}
}
