package quota

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("2001:db8:0:1::b0b")
)

func newAddressPool(t testing.TB, parts, conns int) *AddressPool {
	t.Helper()
	p, err := NewAddresses(parts, conns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// joinAddresses is what another process does with the inherited file: it maps the same memory once more.
func joinAddresses(t testing.TB, p *AddressPool, part int, limits AddressLimits) *Addresses {
	t.Helper()
	fd, err := unix.Dup(int(p.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := JoinAddresses(os.NewFile(uintptr(fd), "quota"), part, limits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAddresses: two processes count the connections of one address together, and those of others do not matter.
func TestAddresses(t *testing.T) {
	p := newAddressPool(t, 2, 100)
	a, b := joinAddresses(t, p, 0, AddressLimits{Conns: 2}), joinAddresses(t, p, 1, AddressLimits{Conns: 2})
	first, ok := a.Take(alice)
	if !ok || first == 0 {
		t.Fatalf("first: got ticket %d %t, want one", first, ok)
	}
	if _, ok := b.Take(netip.MustParseAddr("::ffff:192.0.2.1")); !ok {
		t.Error("second, in IPv6 form: got none, want one")
	}
	if _, ok := b.Take(alice); ok {
		t.Error("third: got one beyond the limit")
	}
	if _, ok := a.Take(netip.MustParseAddr("192.0.2.2")); !ok {
		t.Error("another address: got none, want one")
	}
	if got := b.Held(alice); got != 2 {
		t.Errorf("got %d held, want 2", got)
	}
	a.Return(first)
	if _, ok := b.Take(alice); !ok || a.Held(alice) != 2 {
		t.Errorf("after one was returned: got %t and %d held, want one and 2", ok, a.Held(alice))
	}
}

// TestAddressNetworks: an IPv6 customer has as much as a /64, and an IPv4 address is not one of its neighbours.
func TestAddressNetworks(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::1", "::2", true},
		{"::1", "127.0.0.1", false},
		{"0.0.0.0", "::", false},
	} {
		if got := keyOf(netip.MustParseAddr(c.a)) == keyOf(netip.MustParseAddr(c.b)); got != c.same {
			t.Errorf("%s and %s: got counted together %t, want %t", c.a, c.b, got, c.same)
		}
	}
}

// TestAddressesForget: what a dead process held is there for the others, and a slot that it was giving to another address when it
// died is of use again.
func TestAddressesForget(t *testing.T) {
	p := newAddressPool(t, 2, 100)
	dead, b := joinAddresses(t, p, 0, AddressLimits{Conns: 3}), joinAddresses(t, p, 1, AddressLimits{Conns: 3})
	for range 2 {
		dead.Take(alice)
	}
	if _, ok := b.Take(alice); !ok {
		t.Fatal("third: got none, want one")
	}
	s := dead.slot(keyOf(bob))
	if !dead.table.owners[s].CompareAndSwap(0, 1) {
		t.Fatal("own: got a slot with an owner")
	}
	other, ok := b.Take(bob) // is not held up, and gets another slot
	if !ok || int(other)-1 == s {
		t.Fatalf("beside a slot whose owner died: got ticket %d %t, want another slot than %d", other, ok, s)
	}
	p.Forget(0)
	if got := b.Held(alice); got != 1 {
		t.Errorf("got %d held, want that of a living process", got)
	}
	if got := p.table.owners[s].Load(); got != 0 {
		t.Errorf("slot: got owner %d, want none", got)
	}
	for range 2 {
		if _, ok := b.Take(alice); !ok {
			t.Error("got none, want what the dead process had")
		}
	}
}

// TestAddressTableFull: addresses for which there is no slot are let in, and the table never grows; those that are gone make room.
func TestAddressTableFull(t *testing.T) {
	p := newAddressPool(t, 1, 1)
	a := joinAddresses(t, p, 0, AddressLimits{Conns: 1, Rate: 1, Burst: 1})
	tickets := fillTable(t, a)
	late := outsider(a)
	if wait := a.Connects(late); wait != 0 {
		t.Errorf("connect without a slot: got to wait %v, want to be let in", wait)
	}
	for range 3 {
		if ticket, ok := a.Take(late); !ok || ticket != 0 {
			t.Errorf("without a slot: got ticket %d %t, want to be let in uncounted", ticket, ok)
		}
	}
	if got := a.Uncounted(); got < 4 {
		t.Errorf("got %d uncounted, want at least those 4", got)
	}
	a.Return(0) // as for those
	for _, ticket := range tickets {
		a.Return(ticket)
	}
	ticket, ok := a.Take(late)
	if !ok || ticket == 0 {
		t.Errorf("after the others have gone: got ticket %d %t, want one", ticket, ok)
	}
	if _, ok := a.Take(late); ok {
		t.Error("second: got one beyond the limit")
	}
}

// fillTable makes connections of as many addresses as it takes until every slot has one.
func fillTable(t *testing.T, a *Addresses) (tickets []uint32) {
	t.Helper()
	for i := uint32(0); len(tickets) < a.table.slots; i++ {
		ticket, ok := a.Take(numbered(i))
		if !ok || i > 1<<20 {
			t.Fatalf("address %d: got %t with %d of %d slots in use", i, ok, len(tickets), a.table.slots)
		}
		if ticket != 0 {
			tickets = append(tickets, ticket)
		}
	}
	return tickets
}

// outsider returns an address that has no slot.
func outsider(a *Addresses) netip.Addr {
	for i := uint32(1 << 24); ; i++ {
		if addr := numbered(i); a.table.find(keyOf(addr)) < 0 {
			return addr
		}
	}
}

func numbered(i uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, i)))
}

// TestConnectRate: after its burst an address waits, an interval for each, and another one does not.
func TestConnectRate(t *testing.T) {
	const interval = time.Hour
	p := newAddressPool(t, 2, 100)
	limits := AddressLimits{Rate: 1 / interval.Seconds(), Burst: 3}
	a, b := joinAddresses(t, p, 0, limits), joinAddresses(t, p, 1, limits)
	for i, process := range []*Addresses{a, b, a} {
		if wait := process.Connects(alice); wait != 0 {
			t.Fatalf("connect %d: got to wait %v, want not to", i, wait)
		}
	}
	for range 3 { // those that are refused are not counted
		if wait := b.Connects(alice); wait <= 0 || wait > interval {
			t.Errorf("beyond the burst: got to wait %v, want up to %v", wait, interval)
		}
	}
	if wait := b.Connects(bob); wait != 0 {
		t.Errorf("another address: got to wait %v, want not to", wait)
	}
	s := a.table.find(keyOf(alice))
	a.table.times[s].Add(^uint64(interval) + 1) // an hour later
	if wait := a.Connects(alice); wait != 0 {
		t.Errorf("an interval later: got to wait %v, want not to", wait)
	}
	if wait := a.Connects(alice); wait == 0 {
		t.Error("a second one then: got not to wait, want to")
	}
}

// TestWithoutLimits: who has no limit takes no slots.
func TestWithoutLimits(t *testing.T) {
	p := newAddressPool(t, 1, 100)
	a := joinAddresses(t, p, 0, AddressLimits{})
	for range 100 {
		if ticket, ok := a.Take(alice); !ok || ticket != 0 || a.Connects(alice) != 0 {
			t.Fatalf("got ticket %d %t, want no limit", ticket, ok)
		}
	}
	if a.table.find(keyOf(alice)) >= 0 {
		t.Error("got a slot, want none")
	}
}

// TestAddressesNeverExceeded: processes that take and return at the same time never let more of one address in than its limit, while
// other addresses come and go in the same buckets, and nothing is lost.
func TestAddressesNeverExceeded(t *testing.T) {
	const parts, limit, rounds, addresses = 4, 5, 5_000, 3_000 // of 1,024 slots
	p := newAddressPool(t, parts, 1)
	held := make([]atomic.Int32, 4) // of the first addresses, by tickets
	var group sync.WaitGroup
	for part := range parts {
		a := joinAddresses(t, p, part, AddressLimits{Conns: limit, Rate: 1e9, Burst: 1000})
		group.Go(func() { churn(t, a, held, rounds, addresses, limit) })
	}
	group.Wait()
	for s := range p.table.slots {
		if got := p.table.held(s); got != 0 {
			t.Errorf("slot %d: got %d held after all were returned, want 0", s, got)
		}
	}
}

// churn takes and returns connections of many addresses at random, most of them of the first few.
func churn(t *testing.T, a *Addresses, held []atomic.Int32, rounds, addresses, limit int) {
	type taken struct {
		ticket uint32
		of     int
	}
	var mine []taken
	give := func(i int) {
		if of := mine[i].of; of < len(held) && mine[i].ticket != 0 {
			held[of].Add(-1)
		}
		a.Return(mine[i].ticket)
		mine[i] = mine[len(mine)-1]
		mine = mine[:len(mine)-1]
	}
	for range rounds {
		of := rand.IntN(addresses)
		if rand.IntN(2) == 0 {
			of %= len(held)
		}
		a.Connects(numbered(uint32(of)))
		if ticket, ok := a.Take(numbered(uint32(of))); ok {
			if of < len(held) && ticket != 0 && int(held[of].Add(1)) > limit {
				t.Errorf("address %d: got %d held, want at most %d", of, held[of].Load(), limit)
			}
			mine = append(mine, taken{ticket, of})
		}
		for len(mine) > 0 && (len(mine) > 300 || rand.IntN(2) == 0) {
			give(rand.IntN(len(mine)))
		}
	}
	for len(mine) > 0 {
		give(0)
	}
}

// TestTableSize: the table is as large as the configuration says, and never larger than its bound.
func TestTableSize(t *testing.T) {
	for _, c := range []struct{ parts, conns, slots int }{
		{1, 1, 1024}, {1, 513, 2048}, {3, 120_000, 262_144}, {1024, 120_000, 8192}, {1, 16_000_000, 2_097_152},
	} {
		p := newAddressPool(t, c.parts, c.conns)
		stat, err := p.File().Stat()
		if err != nil {
			t.Fatal(err)
		}
		if p.table.slots != c.slots || stat.Size() > maxTable+headerSize {
			t.Errorf("%d parts, %d connections: got %d slots in %d bytes, want %d", c.parts, c.conns, p.table.slots, stat.Size(), c.slots)
		}
	}
}

func TestJoinAddressesErrors(t *testing.T) {
	p := newAddressPool(t, 2, 1)
	if _, err := p.Join(2, AddressLimits{}); err == nil {
		t.Error("a part that there is not: got no error, want one")
	}
	if _, err := JoinAddresses(os.NewFile(^uintptr(0), "none"), 0, AddressLimits{}); err == nil {
		t.Error("no file: got no error, want one")
	}
	for _, size := range []int64{8, 64, 4096} {
		file, err := newMemory(size)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := JoinAddresses(file, 0, AddressLimits{}); err == nil {
			t.Errorf("%d bytes that are no table: got no error, want one", size)
		}
	}
}

// BenchmarkAddresses is what an accept pays for both bounds with seven workers.
func BenchmarkAddresses(b *testing.B) {
	a := joinAddresses(b, newAddressPool(b, 7, 120_000), 3, AddressLimits{Conns: 10, Rate: 1e9, Burst: 1})
	for i := uint32(0); b.Loop(); i++ {
		addr := numbered(i & 0xffff)
		a.Connects(addr)
		ticket, _ := a.Take(addr)
		a.Return(ticket)
	}
}
