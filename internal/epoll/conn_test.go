package epoll

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"unsafe"
)

func TestConnFitsTwoCacheLines(t *testing.T) {
	if got := unsafe.Sizeof(state{}); got != 72 {
		t.Fatalf("the tests' state: got %d bytes, want 72", got)
	}
	if got := unsafe.Sizeof(conn{}); got > 128 {
		t.Errorf("a connection with a state of 72 bytes: got %d bytes, want at most 128", got)
	}
}

func TestConnHasNoPointers(t *testing.T) {
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		case reflect.Array:
			walk(path+"[]", typ.Elem())
		case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Slice,
			reflect.String, reflect.Interface:
			t.Errorf("%s: got a %s, want nothing that the garbage collector must follow", path, typ)
		}
	}
	walk("Conn", reflect.TypeFor[conn]())
}

func TestPeer(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:1", "[::1]:65535", "[2001:db8::1]:443", "0.0.0.0:0"} {
		want := netip.MustParseAddrPort(addr)
		var c conn
		c.addr, c.port = want.Addr().As16(), want.Port()
		if got := c.Peer(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSlabCountsAndRefuses(t *testing.T) {
	slab := NewSlab[state](chunkSize)
	tests := []struct {
		name      string
		fd, limit int
		ok        bool
	}{
		{"first of two", 3, 2, true},
		{"second of two, in another chunk", chunkSize + 3, 2, true},
		{"third of two", 4, 2, false},
		{"third without a limit", 4, 0, true},
		{"beyond the table", 2 * chunkSize, 0, false},
	}
	open := 0
	for _, tt := range tests {
		c, err := slab.claim(tt.fd, tt.limit)
		if (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want ok %t", tt.name, err, tt.ok)
		}
		if err == nil {
			open++
			if int(c.FD()) != tt.fd || slab.at(int32(tt.fd)) != c {
				t.Errorf("%s: got the entry of %d, want %d", tt.name, c.FD(), tt.fd)
			}
		}
		if slab.Open() != open {
			t.Errorf("%s: got %d open, want %d", tt.name, slab.Open(), open)
		}
	}
}

// few is a Quota of some connections.
type few struct{ left int }

func (f *few) Take() bool {
	if f.left == 0 {
		return false
	}
	f.left--
	return true
}

func (f *few) Return() { f.left++ }

// TestSlabSharesItsCount: what other processes hold counts as well, and nothing that is refused stays taken.
func TestSlabSharesItsCount(t *testing.T) {
	slab, quota := NewSlab[state](1), &few{left: 1}
	slab.Share(quota)
	c, err := slab.claim(7, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slab.claim(8, 2); !errors.Is(err, errFull) || slab.Open() != 1 {
		t.Errorf("got %v and %d open, want %v and 1", err, slab.Open(), errFull)
	}
	slab.release(c)
	if quota.left != 1 {
		t.Errorf("got %d left after a release, want 1", quota.left)
	}
	for range 2 {
		if _, err := slab.claim(8, 1); err != nil && !errors.Is(err, errFull) {
			t.Error(err)
		}
	}
	if quota.left != 0 || slab.Open() != 1 {
		t.Errorf("got %d left and %d open behind a process's own bound, want 0 and 1", quota.left, slab.Open())
	}
}

func TestSlabEntryIsNewForItsNextConnection(t *testing.T) {
	slab := NewSlab[state](1)
	c, err := slab.claim(7, 0)
	if err != nil {
		t.Fatal(err)
	}
	gen := c.Gen()
	c.State().id, c.flags, c.reason, c.unsent = 1, flagDead, reasonDone, 3
	slab.release(c)
	again, err := slab.claim(7, 0)
	if err != nil {
		t.Fatal(err)
	}
	if again.Gen() == gen {
		t.Errorf("got generation %d twice, want another", gen)
	}
	if again.State().id != 0 || again.flags != 0 || again.reason != ReasonNone || again.unsent != 0 {
		t.Errorf("got %+v, want a fresh entry", again)
	}
}

func TestReasonNames(t *testing.T) {
	seen := make(map[string]Reason)
	for r := ReasonNone; r <= Stopped; r++ {
		if other, double := seen[r.String()]; double || r.String() == "" {
			t.Errorf("reasons %d and %d: both are %q", other, r, r)
		}
		seen[r.String()] = r
	}
	if got := UserReason.String(); got != "user" {
		t.Errorf("got %q, want user", got)
	}
}
