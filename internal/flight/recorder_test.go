package flight

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files lists what is in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// eventually polls ok until it holds, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func start(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	r, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

func TestDumpIsATrace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	r := start(t, Config{Dir: dir, Process: "0"})
	r.Dump("seq 7/../late_400ms")
	eventually(t, "a file", func() bool { return len(files(t, dir)) == 1 && strings.HasSuffix(files(t, dir)[0], ".trace") })
	name := files(t, dir)[0]
	if base := filepath.Base(name); !strings.HasPrefix(base, "flight-0_2") || !strings.HasSuffix(base, "Z_seq-7-..-late-400ms.trace") {
		t.Errorf("got name %s, want process, time and reason", base)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file for its owner only", info.Mode(), err)
	}
	if out, err := exec.Command("go", "tool", "trace", "-d=footprint", name).CombinedOutput(); err != nil {
		t.Errorf("go tool trace: %v\n%.500s", err, out)
	}
	// Too soon for another one.
	r.Dump("again")
	eventually(t, "a count of what was passed over", func() bool { return r.passed.Load() == 1 })
	r.Stop()
	r.Dump("after the end")
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("got %v, want one file", got)
	}
}

func TestOldestFilesGiveWay(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Config{Dir: dir, Process: "1", Files: 2, Every: time.Nanosecond})
	for _, name := range []string{"flight-1_20200101T000000.000Z_x.trace", "flight-1_20210101T000000.000Z_x.trace.part", "flight-1_20990101T000000.000Z_x.trace", "flight-10_20200101T000000.000Z_x.trace", "mine.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.write(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), "b"); err != nil {
		t.Fatal(err)
	}
	want := "flight-10_20200101T000000.000Z_x.trace flight-1_20300101T000000.000Z_b.trace flight-1_20990101T000000.000Z_x.trace mine.txt"
	var got []string
	for _, name := range files(t, dir) {
		got = append(got, filepath.Base(name))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s: the oldest of this process are gone, and nobody else's", got, want)
	}
}

// TestPassedOver: what left no file is told with the next one, once.
func TestPassedOver(t *testing.T) {
	var log bytes.Buffer
	r := start(t, Config{Dir: t.TempDir(), Process: "0", Log: slog.New(slog.NewTextHandler(&log, nil))})
	r.Pass()
	r.Pass()
	for i, want := range []string{"passed_over=2", "passed_over=0"} {
		log.Reset()
		r.dump(time.Unix(int64(i), 0), "x")
		if !strings.Contains(log.String(), want) {
			t.Errorf("got log %q, want %s", log.String(), want)
		}
	}
}

// A disk that takes no more costs the file and a warning, and leaves nothing half.
func TestFullDisk(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir()
	r := start(t, Config{Dir: dir, Process: "0", Log: slog.New(slog.NewTextHandler(&log, nil))})
	r.cfg.Memory = 1 // so that the trace is larger than what may be written
	r.dump(time.Now(), "full")
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("got %v, want nothing left", got)
	}
	if !strings.Contains(log.String(), "no file") {
		t.Errorf("got log %q, want a warning", log.String())
	}
	r.cfg.Dir = filepath.Join(dir, "gone")
	if _, err := r.write(time.Now(), "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that the directory is gone", err)
	}
}

func TestBadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []Config{{Dir: t.TempDir(), Process: "../x"}, {Dir: file, Process: "0"}} {
		if r, err := Start(cfg); err == nil {
			r.Stop()
			t.Errorf("%+v: got no error", cfg)
		}
	}
	start(t, Config{Dir: t.TempDir(), Process: "0"})
	if r, err := Start(Config{Dir: t.TempDir(), Process: "1"}); err == nil {
		r.Stop()
		t.Error("got a second recorder in one process, want an error")
	}
}
