package epoll

import "time"

// Config holds what all loops of a process share. The zero value is usable: every zero means "leave it to the
// kernel" or the default named beside the field. It must not be changed after the first NewLoop.
type Config struct {
	// Socket options of accepted and dialed connections. They are set once on the listener, from which Linux
	// copies them to every accepted socket, so that an accept costs no setsockopt.

	// SndBuf is SO_SNDBUF in bytes (the kernel books twice the value). It bounds what the kernel holds for a
	// client that does not read; without it 2.8 MB were measured. 0 leaves it to tcp_wmem's auto-tuning.
	SndBuf int
	// RcvBuf is SO_RCVBUF in bytes. 0 leaves it to tcp_rmem's auto-tuning.
	RcvBuf int
	// NotSentLowat is TCP_NOTSENT_LOWAT in bytes: a socket counts as full while this much is queued but not yet
	// sent, which keeps stale messages out of the kernel's queue. 0 leaves the system's value.
	NotSentLowat int
	// UserTimeout is TCP_USER_TIMEOUT (tcp(7)): data that stays unacknowledged this long ends the connection.
	// Keepalive cannot do that: it never fires while data is in flight. 0 leaves the system's value.
	UserTimeout time.Duration
	// KeepAlive is the idle time before TCP keepalive probes start; five probes follow, a fifth of it apart.
	// 0 turns keepalive off.
	KeepAlive time.Duration
	// Nagle leaves Nagle's algorithm on, that is TCP_NODELAY off (tcp(7)): small messages then wait for the
	// acknowledgement of the one before. Only to see what that does.
	Nagle bool
	// Backlog bounds the connections that wait to be accepted by one listener (listen(2)). 0 takes
	// net.core.somaxconn, which bounds it in any case.
	Backlog int

	// Limits.

	// MaxConns bounds the connections of all loops that share the Slab, at accept; closing ones count until their
	// descriptor is free. 0 means no bound but descriptors.
	MaxConns int
	// MaxPending bounds the bytes copied for one connection by Write while its socket is full. Default 4 KiB.
	MaxPending int
	// MaxLeftover bounds the unconsumed input kept for one connection. Default 16 KiB.
	MaxLeftover int
	// Linger bounds how long a gracefully closed connection may take to flush and to see the peer's FIN.
	// Default 5 s.
	Linger time.Duration

	// Slice is how many sends one slice of work may make before I/O events get their turn. Default 256, about
	// 1.5 ms of sends on loopback.
	Slice int
	// EdgeTriggered registers connections with EPOLLET (epoll(7)): the kernel then looks at a socket once per arrival
	// and not a second time to see whether it has been read empty, which is an eighth of a load generator's processor
	// time. A peer that sends without end keeps the loop to itself, so it is for clients of a server under test only.
	EdgeTriggered bool
	// Coalesce makes a loop rest this long between rounds of events for more to come, at the price of that much
	// latency. It is meant for load generators that share the machine with what they load; 1 ms halves their
	// processor time. The goroutine keeps its share of GOMAXPROCS while it rests. With 1 ns there are rounds, and so
	// Loop.Waited, but no rests. Default 0, off.
	Coalesce time.Duration
	// Unlocked leaves the loop's goroutine free to move between threads, which saves a hand-over of threads whenever it
	// blocks. Stats.Busy is then unknown and 0. Default false: every loop has a thread of its own.
	Unlocked bool

	// Meter, if not nil, adds up what this very loop spends its time on, for two more readings of the clock per event
	// (0.1 µs; an accept or a read takes several). It belongs to one loop.
	Meter *Meter

	// Refusal returns the complete answer for a connection that is refused at accept because of reason
	// (MaxConns or exhausted descriptors). It is called on the loop; the bytes are used at once. Nil refuses by
	// closing.
	Refusal func(reason Reason) []byte
}

const (
	defaultMaxPending  = 4 << 10
	defaultMaxLeftover = 16 << 10
	defaultLinger      = 5 * time.Second
	defaultSlice       = 256
	// maxIgnored bounds what a closing connection may still send: twice what a receive buffer holds by default
	// (net.ipv4.tcp_rmem, 128 KiB), four reads. Without it one client could keep a loop reading for Linger.
	maxIgnored = 256 << 10
	// readBuffer is what one read may bring in. 64 KiB is the loopback MSS and four times what a broadcast
	// gateway's clients ever send at once; a larger one buys nothing. There is one per loop.
	readBuffer = 64 << 10
	// acceptBurst bounds the accepts per event, so that a connect storm does not starve deliveries.
	acceptBurst = 64
	// drainBurst bounds the accepts of StopListening: no accept queue is longer (somaxconn is 4,096 by default).
	drainBurst = 1 << 16
	// refuseBurst bounds the polite refusals per pause while descriptors are exhausted.
	refuseBurst = 16
)

func (c Config) withDefaults() Config {
	if c.MaxPending == 0 {
		c.MaxPending = defaultMaxPending
	}
	if c.MaxLeftover == 0 {
		c.MaxLeftover = defaultMaxLeftover
	}
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.Slice == 0 {
		c.Slice = defaultSlice
	}
	return c
}
