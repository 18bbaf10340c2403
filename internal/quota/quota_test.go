package quota_test

import (
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tickgate/internal/quota"
)

// join is what another process does with the inherited file: it maps the same memory once more.
func join(t testing.TB, p *quota.Pool, part, limit int) *quota.Share {
	t.Helper()
	fd, err := unix.Dup(int(p.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	s, err := quota.Join(os.NewFile(uintptr(fd), "quota"), part, limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newPool(t testing.TB, parts int) *quota.Pool {
	t.Helper()
	p, err := quota.New(parts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShares(t *testing.T) {
	p := newPool(t, 2)
	a, b := join(t, p, 0, 3), join(t, p, 1, 3)
	for i, take := range []func() bool{a.Take, b.Take, a.Take} {
		if !take() {
			t.Errorf("take %d: got none, want one", i)
		}
	}
	if a.Take() || b.Take() {
		t.Error("got one beyond the limit")
	}
	b.Return()
	if !a.Take() || p.Taken() != 3 {
		t.Errorf("got %d taken after one was returned and taken again, want 3", p.Taken())
	}
}

// TestForget: what a dead process held is there for the others.
func TestForget(t *testing.T) {
	p := newPool(t, 2)
	dead, b := join(t, p, 0, 3), join(t, p, 1, 3)
	for dead.Take() {
	}
	p.Forget(0)
	if !b.Take() || p.Taken() != 1 {
		t.Errorf("got %d taken, want 1 of a living process", p.Taken())
	}
}

// TestNeverExceeded: processes that take and return at the same time never hold more than the limit, and lose nothing.
func TestNeverExceeded(t *testing.T) {
	const parts, limit, rounds = 4, 10, 20_000
	p := newPool(t, parts)
	var group sync.WaitGroup
	for part := range parts {
		s := join(t, p, part, limit)
		group.Go(func() {
			held := 0
			for range rounds {
				if s.Take() {
					held++
				} else if held > 0 {
					s.Return()
					held--
				}
				if held > limit {
					t.Errorf("got %d held by one process, want at most %d", held, limit)
				}
			}
			for ; held > 0; held-- {
				s.Return()
			}
		})
	}
	group.Wait()
	if p.Taken() != 0 {
		t.Errorf("got %d taken after all were returned, want 0", p.Taken())
	}
}

func TestJoinErrors(t *testing.T) {
	p := newPool(t, 2)
	fd, err := unix.Dup(int(p.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quota.Join(os.NewFile(uintptr(fd), "quota"), 2, 1); err == nil {
		t.Error("a part that there is not: got no error, want one")
	}
	if _, err := quota.Join(os.NewFile(^uintptr(0), "none"), 0, 1); err == nil {
		t.Error("no file: got no error, want one")
	}
}

// BenchmarkTake is what an accept pays for the bound with seven workers.
func BenchmarkTake(b *testing.B) {
	s := join(b, newPool(b, 7), 3, 1<<40)
	for b.Loop() {
		s.Take()
	}
}
