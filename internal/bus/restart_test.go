package bus

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ownerDir makes the test binary an owner of the bus: a process that can be killed.
const ownerDir = "TICKGATE_TEST_BUS_DIR"

// runOwner opens a bus in dir, tells its endpoint on stdout and waits for its end.
func runOwner(dir string) int {
	if err := mountDisk(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b, err := Open(background, Config{
		Dir: dir, Listen: true, Port: envPort(), Token: "token", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(diskKind) == smallDisk {
		_ = json.NewEncoder(os.Stdout).Encode(fillDisk(b))
		return 0
	}
	_ = json.NewEncoder(os.Stdout).Encode(b.Endpoint())
	<-b.Done()
	return 0
}

var background = context.Background()

func envPort() int {
	port, _ := strconv.Atoi(os.Getenv("TICKGATE_TEST_BUS_PORT"))
	return port
}

// owner is a process that owns the bus.
type owner struct {
	cmd      *exec.Cmd
	endpoint Endpoint
}

func startOwner(t *testing.T, dir string, port string) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerDir+"="+dir, "TICKGATE_TEST_BUS_PORT="+port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &owner{cmd: cmd}
	t.Cleanup(o.kill)
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&o.endpoint); err != nil {
		t.Fatalf("owner of the bus: no endpoint: %v", err)
	}
	return o
}

func (o *owner) kill() {
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

func (o *owner) port() string { return o.endpoint.URL[strings.LastIndexByte(o.endpoint.URL, ':')+1:] }

// Whatever was acknowledged before a kill -9 is there afterwards, in order and once, and a worker's
// subscription goes on over the restart as if nothing had happened.
func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := startOwner(t, dir, "0")
	worker := connect(t, o.endpoint)
	epoch := worker.Epoch()
	in := subscribe(t, worker, 0)

	acked := map[uint64]string{}
	for round := range 2 {
		stop := time.AfterFunc(100*time.Millisecond, func() { _ = o.cmd.Process.Kill() })
		publishUntilError(t, worker, round, acked)
		stop.Stop()
		o.kill()
		o = startOwner(t, dir, o.port())
		waitFor(t, "connection restored", func() bool { return worker.Ready() == nil })
	}
	last := publish(t, worker, Msg{Topic: "end"}).Seq

	var seqs []uint64
	for seq := uint64(1); seq <= last; seq++ {
		m := in.next(t)
		if m.Seq != seq || m.Gap {
			t.Fatalf("subscription: got message %d, gap %v, want %d, no gap", m.Seq, m.Gap, seq)
		}
		if want, ok := acked[seq]; ok && string(m.Payload) != want {
			t.Fatalf("message %d: got %q, want %q", seq, m.Payload, want)
		}
		seqs = append(seqs, seq)
	}
	t.Logf("%d messages acknowledged, %d stored", len(acked)+1, len(seqs))
	if got := connect(t, o.endpoint).Epoch(); got != epoch {
		t.Errorf("epoch after restarts: got %q, want %q", got, epoch)
	}
}

// publishUntilError publishes as fast as it goes and notes what was acknowledged.
func publishUntilError(t *testing.T, b *Bus, round int, acked map[uint64]string) {
	t.Helper()
	for i := 0; ; i++ {
		payload := fmt.Sprintf("%d/%d", round, i)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		ack, err := b.Publish(ctx, Msg{Topic: "a", Payload: []byte(payload)})
		cancel()
		if err != nil {
			if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Publish without a server: got %v, want %v", err, ErrUnavailable)
			}
			return
		}
		if old, ok := acked[ack.Seq]; ok {
			t.Fatalf("sequence %d given out twice: for %q and %q", ack.Seq, old, payload)
		}
		acked[ack.Seq] = payload
	}
}

func TestCloseKeepsTheFiles(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxMessages: 1000}
	b := open(t, cfg)
	epoch := b.Epoch()
	fill(t, b, 100)
	publish(t, b, Msg{Topic: "a", MsgID: "x"})
	_ = b.Close()

	cfg.MaxMessages, cfg.MaxBytes = 50, 4096 // limits may change
	b = open(t, cfg)
	if got := b.Epoch(); got != epoch {
		t.Errorf("epoch: got %q, want %q", got, epoch)
	}
	if ack := publish(t, b, Msg{Topic: "a", MsgID: "x"}); !ack.Duplicate || ack.Seq != 101 {
		t.Errorf("message of the same id after a restart: got %+v, want a duplicate of 101", ack)
	}
	first, last, err := b.Bounds(t.Context())
	if err != nil || first < 52 || last != 101 {
		t.Errorf("Bounds: got %d to %d, %v, want at most 50 up to 101", first, last, err)
	}
}

// A worker of a bus without a directory must notice that ids have lost their meaning.
func TestLostStream(t *testing.T) {
	t.Parallel()
	first := open(t, Config{Listen: true, Token: "token"})
	port, err := strconv.Atoi(first.Endpoint().URL[len("nats://127.0.0.1:"):])
	if err != nil {
		t.Fatal(err)
	}
	worker := connect(t, first.Endpoint())
	in := subscribe(t, worker, 0)
	_ = first.Close()
	open(t, Config{Listen: true, Token: "token", Port: port})
	await(t, "Done of the worker", worker.Done())
	if err := worker.Err(); !errors.Is(err, ErrStreamLost) {
		t.Errorf("Err: got %v, want %v", err, ErrStreamLost)
	}
	await(t, "end of the subscription", in.Done())
}

func TestDeletedStream(t *testing.T) {
	t.Parallel()
	b := open(t, Config{})
	subscribe(t, b, 0)
	if err := b.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	await(t, "Done", b.Done())
	if err := b.Err(); !errors.Is(err, ErrStreamLost) {
		t.Errorf("Err: got %v, want %v", err, ErrStreamLost)
	}
}

// Another process's server stands in for an external system.
func TestExternal(t *testing.T) {
	server := open(t, Config{Listen: true, Token: "token"})
	if err := server.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	urls := []string{strings.Replace(server.Endpoint().URL, "://", "://token@", 1)}
	one, two := open(t, Config{URLs: urls}), open(t, Config{URLs: urls, MaxMessages: 7})
	if one.Epoch() != two.Epoch() {
		t.Errorf("epochs of two nodes: got %q and %q, want the same", one.Epoch(), two.Epoch())
	}
	in := subscribe(t, two, 0)
	fill(t, one, 10)
	for seq := uint64(1); seq <= 10; seq++ {
		if m := in.next(t); m.Seq != seq {
			t.Fatalf("got message %d, want %d", m.Seq, seq)
		}
	}
	if e := one.Endpoint(); e == (Endpoint{}) {
		t.Error("endpoint of an external system: got none, want its URLs for the workers")
	} else {
		connect(t, e)
	}
}

// A stream that an operator has made keeps its settings, and is refused if it does not take the topics.
func TestExternalStreamOfAnOperator(t *testing.T) {
	server := open(t, Config{Listen: true, Token: "token"})
	cfg := Config{URLs: []string{server.Endpoint().URL}, Token: "token", Logger: testLogger(t)}
	for _, test := range []struct {
		name, subject string
		maxSize       int32
		want          string
	}{
		{"small messages", "tick.>", 1000, ""},
		{"other subjects", "other.>", -1, `it has the subjects ["other.>"], tick.> must be one of them`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := server.js.DeleteStream(t.Context(), Stream); err != nil {
				t.Fatal(err)
			}
			stream := jetstream.StreamConfig{
				Name: Stream, Subjects: []string{test.subject}, Storage: jetstream.MemoryStorage, MaxMsgSize: test.maxSize,
			}
			if _, err := server.js.CreateStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			b, err := Open(t.Context(), cfg)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("Open: got %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			defer b.Close()
			publish(t, b, Msg{Topic: "a", Payload: make([]byte, 900)})
			if _, err := b.Publish(t.Context(), Msg{Topic: "a", Payload: make([]byte, 2000)}); !errors.Is(err, ErrTooLarge) {
				t.Errorf("Publish: got %v, want %v", err, ErrTooLarge)
			}
		})
	}
}
