package epoll

import (
	"net/netip"
	"sync/atomic"
)

// Conn is one connection: a fixed entry of a Slab, without a pointer, so that the garbage collector neither
// scans nor follows it. All fields and methods are for the goroutine of the loop that owns the connection.
//
// A *Conn stays valid until OnClose has returned; afterwards its entry is used for another connection. Whoever
// needs to refer to a connection for longer keeps FD and Gen and compares both.
type Conn[S any] struct {
	// gen counts the connections this entry has held. It is written by the loop that closes one and read by the
	// loop that opens the next, which orders their accesses to the rest of the entry.
	gen  atomic.Uint32
	fd   int32
	addr [16]byte
	port uint16

	flags  flags
	reason Reason

	// Timer: position in the wheel (timer.go).
	due        uint32
	next, prev int32

	// Side tables: index+1 of the entry, 0 for none.
	unsent, leftover int32

	// lastRead and lastWrite are ticks.
	lastRead, lastWrite uint32

	state S
}

type flags uint8

const (
	flagConnecting flags = 1 << iota // dialed, not yet established
	flagBlocked                      // the kernel took less than offered; EPOLLOUT is armed
	flagPaused                       // reading is paused
	flagClosing                      // Close was called: flush, FIN, linger
	flagShut                         // FIN sent
	flagEnded                        // the peer's FIN has come while Close was flushing
	flagDue                          // the timer has expired and waits for its slice
	flagDead                         // deregistered; OnClose and close(2) at the end of the batch
)

// FD returns the descriptor, which is also the connection's index in the Slab.
func (c *Conn[S]) FD() int32 { return c.fd }

// Gen returns a number that differs between successive connections with the same descriptor.
func (c *Conn[S]) Gen() uint32 { return c.gen.Load() }

// State returns the owner's part of the entry. It is zero at OnOpen of an accepted connection.
func (c *Conn[S]) State() *S { return &c.state }

// Peer returns the remote address.
func (c *Conn[S]) Peer() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(c.addr).Unmap(), c.port)
}

// SetPeer makes a the remote address that Peer returns from now on: for a connection that a proxy made for somebody else.
func (c *Conn[S]) SetPeer(a netip.AddrPort) { c.addr, c.port = a.Addr().As16(), a.Port() }

// Alive reports whether the connection may still be used: it is neither closing nor gone.
func (c *Conn[S]) Alive() bool { return c.flags&(flagClosing|flagDead) == 0 }

// IsBlocked reports whether the socket is full; OnWritable will follow.
func (c *Conn[S]) IsBlocked() bool { return c.flags&flagBlocked != 0 }

func (c *Conn[S]) has(f flags) bool { return c.flags&f != 0 }
