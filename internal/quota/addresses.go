package quota

import (
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// AddressPool is the table of addresses as seen by the process that starts the others. All methods are safe for concurrent use.
type AddressPool struct {
	file  *os.File
	table *table
}

// NewAddresses returns a table for parts processes with conns connections in all. Its size is fixed, whoever connects: about 72 bytes for
// each connection with three processes, of which the kernel gives what is used.
func NewAddresses(parts, conns int) (*AddressPool, error) {
	file, err := newTable(parts, conns)
	if err != nil {
		return nil, err
	}
	t, err := openTable(file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &AddressPool{file: file, table: t}, nil
}

// File is what another process inherits and opens with JoinAddresses. It belongs to the pool.
func (p *AddressPool) File() *os.File { return p.file }

// Forget gives back what process part holds. It is to be called when that process has ended, before another one takes its part.
func (p *AddressPool) Forget(part int) { p.table.forget(part) }

// Join returns the view of process part for the process that made the table.
func (p *AddressPool) Join(part int, limits AddressLimits) (*Addresses, error) {
	return newAddresses(p.table, part, limits)
}

// AddressLimits are what each address may have. They must be the same for all processes.
type AddressLimits struct {
	// Conns bounds its open connections. 0 is no bound.
	Conns int
	// Rate bounds its connects a second. 0 is no bound.
	Rate float64
	// Burst is how many connects it may make at once after a rest, at least 1.
	Burst int
}

// Addresses is one process's view of the table. All methods are safe for concurrent use.
//
// An address is an IPv4 address or the /64 network of an IPv6 address. When all 8 slots of an address's bucket belong to addresses with
// connections, it is not counted, and so not bound: turning away whoever comes would hand the gateway to those who fill the table.
type Addresses struct {
	table    *table
	part     int
	limits   AddressLimits
	interval uint64 // between two connects, in nanoseconds

	uncounted atomic.Uint64
}

// JoinAddresses maps the table in file, which it closes, and returns the view of process part.
func JoinAddresses(file *os.File, part int, limits AddressLimits) (*Addresses, error) {
	defer func() { _ = file.Close() }()
	t, err := openTable(file)
	if err != nil {
		return nil, err
	}
	return newAddresses(t, part, limits)
}

func newAddresses(t *table, part int, limits AddressLimits) (*Addresses, error) {
	if part < 0 || part >= t.parts {
		return nil, fmt.Errorf("join quota of addresses: got part %d, want one of %d", part, t.parts)
	}
	a := &Addresses{table: t, part: part, limits: limits}
	if limits.Rate > 0 {
		a.interval = max(1, uint64(float64(time.Second)/limits.Rate))
	}
	return a, nil
}

// Connects notes that addr connects and returns 0, or how long it has to wait if it has done so too often; then nothing is noted.
//
// It is the generic cell rate algorithm: each connect is paid for with an interval of time, and the address may run ahead of the clock by
// its burst. The clock is CLOCK_MONOTONIC, which all processes share.
func (a *Addresses) Connects(addr netip.Addr) (wait time.Duration) {
	if a.interval == 0 {
		return 0
	}
	s := a.slot(keyOf(addr))
	if s < 0 {
		a.uncounted.Add(1)
		return 0
	}
	now, ahead := monotonic(), a.interval*uint64(max(1, a.limits.Burst))
	for {
		old := a.table.times[s].Load()
		next := max(old, now) + a.interval
		if next > now+ahead {
			return time.Duration(next - now - ahead)
		}
		if a.table.times[s].CompareAndSwap(old, next) {
			return 0
		}
	}
}

// Take counts a connection of addr in and returns what to give to Return when it ends, 0 if it is not counted. It reports false, with
// nothing counted, if the address has as many as it may. The bound is never exceeded; of two connections that come to two processes as
// the last possible one at the same moment, both may be told that there is no room.
func (a *Addresses) Take(addr netip.Addr) (ticket uint32, ok bool) {
	if a.limits.Conns == 0 {
		return 0, true
	}
	key := keyOf(addr)
	s := a.hold(key)
	if s < 0 {
		a.uncounted.Add(1)
		return 0, true
	}
	if a.table.total(key) > a.limits.Conns {
		a.own(s, -1)
		return 0, false
	}
	return uint32(s) + 1, true
}

// Return counts a connection out that Take has counted in; 0 is nothing.
func (a *Addresses) Return(ticket uint32) {
	if ticket != 0 {
		a.own(int(ticket)-1, -1)
	}
}

// Uncounted returns how many calls of Connects and Take of this process found no room for the address in the table.
func (a *Addresses) Uncounted() uint64 { return a.uncounted.Load() }

// Held returns how many connections addr has that are counted.
func (a *Addresses) Held(addr netip.Addr) int { return a.table.total(keyOf(addr)) }

// holdAttempts bounds the races that one connection loses before it is let in uncounted. Each lost one is a slot that has changed hands
// within some nanoseconds.
const holdAttempts = 4

// hold adds one to a slot of the key and returns the slot, -1 if there is none.
func (a *Addresses) hold(key uint64) int {
	for range holdAttempts {
		s := a.slot(key)
		if s < 0 {
			return -1
		}
		a.own(s, 1)
		if a.table.owners[s].Load() == 0 && a.table.keys[s].Load() == key {
			return s
		}
		a.own(s, -1)
	}
	return -1
}

// slot returns a slot for the key, -1 if there is none.
func (a *Addresses) slot(key uint64) int {
	if s := a.table.find(key); s >= 0 {
		return s
	}
	return a.table.claim(key, a.part)
}

// own adds n to this process's counter of a slot.
func (a *Addresses) own(s int, n int32) { a.table.counts[s*a.table.parts+a.part].Add(n) }

// monotonic returns CLOCK_MONOTONIC in nanoseconds. The clock cannot be missing (clock_gettime(2)).
func monotonic() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("BUG: CLOCK_MONOTONIC: " + err.Error())
	}
	return uint64(ts.Nano())
}
