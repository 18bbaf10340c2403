package quota

import (
	"bufio"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// churnEnv makes the test binary be a process of TestKilledProcesses; its value is the process's part.
const churnEnv = "TICKGATE_TEST_QUOTA_PART"

// killLimit is what each address may have in TestKilledProcesses.
const killLimit = 3

func TestMain(m *testing.M) {
	if part, err := strconv.Atoi(os.Getenv(churnEnv)); err == nil {
		churnForever(part)
	}
	os.Exit(m.Run())
}

// churnForever takes and returns connections of more addresses than the table has slots, until it is killed. It prints a line once it has begun.
func churnForever(part int) {
	a, err := JoinAddresses(os.NewFile(3, "quota"), part, AddressLimits{Conns: killLimit, Rate: 1e9, Burst: 1000})
	if err != nil {
		panic(err)
	}
	var held []uint32
	for i := 0; ; i++ {
		addr := numbered(uint32(rand.IntN(4000)))
		a.Connects(addr)
		if ticket, ok := a.Take(addr); ok {
			held = append(held, ticket)
		}
		if len(held) > 200 {
			j := rand.IntN(len(held))
			a.Return(held[j])
			held[j] = held[len(held)-1]
			held = held[:len(held)-1]
		}
		if i == 1000 {
			_, _ = os.Stdout.WriteString("churning\n")
		}
	}
}

// TestKilledProcesses kills processes with SIGKILL while they count, in whatever they are doing, and starts others in their place. The living go on all the while,
// and when all are gone nothing is left of them: every address has what it may, exactly.
func TestKilledProcesses(t *testing.T) {
	const parts, kills = 3, 30
	p := newAddressPool(t, parts+1, 1)
	processes := make([]*exec.Cmd, parts)
	for part := range processes {
		processes[part] = startChurn(t, p, part)
	}
	own := joinAddresses(t, p, parts, AddressLimits{Conns: killLimit})
	for range kills {
		part := rand.IntN(parts)
		kill(t, processes[part])
		p.Forget(part)
		processes[part] = startChurn(t, p, part)
		if ticket, ok := own.Take(bob); ok {
			own.Return(ticket)
		} else {
			t.Error("an address of which nobody has a connection: got none, want one")
		}
	}
	for part, process := range processes {
		kill(t, process)
		p.Forget(part)
	}
	for s := range p.table.slots {
		if p.table.held(s) != 0 || p.table.owners[s].Load() != 0 {
			t.Errorf("slot %d: got %d held, owner %d, want nothing left", s, p.table.held(s), p.table.owners[s].Load())
		}
	}
	for i := range uint32(100) {
		if got := takeAll(own, numbered(i)); got != killLimit {
			t.Errorf("address %d: got %d connections, want %d", i, got, killLimit)
		}
	}
}

// takeAll takes until there is none left and returns how many there were.
func takeAll(a *Addresses, addr netip.Addr) (n int) {
	for ; n <= killLimit; n++ {
		if _, ok := a.Take(addr); !ok {
			return n
		}
	}
	return n
}

// startChurn starts a process that shares the table, and waits until it has counted for a while.
func startChurn(t *testing.T, p *AddressPool, part int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), churnEnv+"="+strconv.Itoa(part))
	cmd.ExtraFiles = []*os.File{p.File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "churning\n" {
		t.Fatalf("process %d: got %q, %v, want it to begin", part, line, err)
	}
	return cmd
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}
