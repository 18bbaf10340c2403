package epoll

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"golang.org/x/sys/unix"
)

// Loop is one event loop. Methods are for its own goroutine, that is for use inside Handler callbacks and posted
// functions, unless they say that they are safe for concurrent use. The zero value is not usable; call NewLoop.
type Loop[S any] struct {
	// Immutable after NewLoop.
	cfg     Config
	slab    *Slab[S]
	handler Handler[S]
	admits  Admitter[S] // the handler, if it is one; else nil
	start   time.Time

	// Owned by the event loop.
	poller    *netpoll.Poller
	listeners []listener
	wheel     wheel
	unsent    table[unsent]
	leftover  table[[]byte]
	dead      []dying
	stalls    []stalled
	leaving   []leaving
	ignored   map[int32]int // by descriptor: bytes that came while it lingered
	buf       []byte        // what a connection left unconsumed, and behind it what one read brings in
	counters  Stats
	timer     int    // timerfd
	armed     uint32 // tick for which the timerfd is set, 0 for none
	alarm     uint32 // tick at which KickAfter wants OnWork, 0 for none
	reserve   int    // descriptor kept for refusing politely when there are no others
	coalesce  coalescer
	ending    bool // Run is about to return

	// Wake-up from other goroutines.
	doorbell int // eventfd, level-triggered: readable for as long as there is work
	rung     atomic.Bool
	// gone guards the descriptors of poller and doorbell against use after close.
	gone   sync.RWMutex
	closed bool
	done   chan struct{}
}

// NewLoop returns a loop that keeps its connections in slab, which all loops of a process share, and reports to
// h. Listen and Dial may be used before Run, on the goroutine that will call Run. Only Run frees the descriptors: a
// loop that will not serve after all is stopped and then run.
func NewLoop[S any](cfg Config, slab *Slab[S], h Handler[S]) (*Loop[S], error) {
	cfg = cfg.withDefaults()
	l := &Loop[S]{
		cfg: cfg, slab: slab, handler: h, start: time.Now(),
		wheel: newWheel(), buf: make([]byte, cfg.MaxLeftover+readBuffer), coalesce: coalescer{bell: -1},
		ignored: make(map[int32]int), timer: -1, reserve: -1, doorbell: -1, done: make(chan struct{}),
	}
	l.admits, _ = h.(Admitter[S])
	if err := l.openDescriptors(); err != nil {
		l.closeDescriptors()
		return nil, fmt.Errorf("make event loop: %w", err)
	}
	return l, nil
}

func (l *Loop[S]) openDescriptors() (err error) {
	if l.poller, err = netpoll.OpenPoller(); err != nil {
		return err
	}
	if l.doorbell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	if err = l.openReserve(); err != nil {
		return err
	}
	return errors.Join(
		l.poller.AddRead(&netpoll.PollAttachment{FD: l.doorbell}, false),
		l.poller.AddRead(&netpoll.PollAttachment{FD: l.timer}, false),
		l.openCoalescer())
}

func (l *Loop[S]) closeDescriptors() {
	for _, fd := range []int{l.timer, l.reserve, l.doorbell, l.coalesce.bell} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if l.poller != nil {
		_ = l.poller.Close()
	}
}

// Run serves events until Stop, then resets what is still open (OnClose with Stopped) and frees the loop's
// descriptors. It locks the calling goroutine to its thread, unless Config.Unlocked: a loop is a thread to the kernel's
// scheduler, to perf and to the CPU clock that Stats reports.
func (l *Loop[S]) Run() error {
	if !l.cfg.Unlocked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	defer close(l.done)
	err := l.poller.Polling(l.event)
	if errors.Is(err, gneterrors.ErrEngineShutdown) {
		err = nil
	}
	l.shutdown()
	if err != nil {
		return fmt.Errorf("event loop: %w", err)
	}
	return nil
}

func (l *Loop[S]) shutdown() {
	l.ending = true
	for i := range l.listeners {
		l.pause(i, stopped)
	}
	l.closeListeners()
	l.bidAll()
	l.Each(func(c *Conn[S]) { l.Reset(c, Stopped) })
	l.reap()
	l.gone.Lock()
	defer l.gone.Unlock()
	l.closed = true
	l.closeDescriptors()
}

// Stop makes Run return. Safe for concurrent use, and more than once.
func (l *Loop[S]) Stop() {
	l.trigger(func(any) error { return gneterrors.ErrEngineShutdown })
}

// Done is closed when Run has returned. Safe for concurrent use.
func (l *Loop[S]) Done() <-chan struct{} { return l.done }

// Post runs f on the loop's goroutine, after the batch of events at hand. It reports false, and f will not run,
// if the loop has ended; a loop that ends may also drop what was posted shortly before. Safe for concurrent use.
func (l *Loop[S]) Post(f func()) bool {
	return l.trigger(func(any) error { l.catchUp(); f(); return nil })
}

func (l *Loop[S]) trigger(f queue.Func) bool {
	l.gone.RLock()
	defer l.gone.RUnlock()
	return !l.closed && l.poller.Trigger(queue.HighPriority, f, nil) == nil
}

// Kick makes OnWork be called soon. Safe for concurrent use; kicks that come before the call are one.
func (l *Loop[S]) Kick() {
	if !l.rung.CompareAndSwap(false, true) {
		return
	}
	l.gone.RLock()
	defer l.gone.RUnlock()
	if !l.closed {
		l.ring()
	}
}

var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// ring makes the doorbell readable.
func (l *Loop[S]) ring() { ring(l.doorbell) }

// ring makes an eventfd readable. EAGAIN, a full counter, means that it is.
func ring(eventfd int) { _, _ = unix.Write(eventfd, one) }

// work answers the doorbell. The eventfd is emptied only when nothing is left to do, so that a loop with work
// comes back after every batch of I/O events without another system call.
func (l *Loop[S]) work() {
	l.rung.Store(false)
	more := l.fire(l.cfg.Slice)
	more = l.handler.OnWork(l.cfg.Slice) || more
	l.coalesce.hurried = more
	if more {
		return
	}
	var b [8]byte
	_, _ = unix.Read(l.doorbell, b[:])
	if l.rung.Load() { // a Kick came in between and its ring may be what was just read
		l.ring()
	}
}

// event is the poller's callback.
func (l *Loop[S]) event(fd int, ev netpoll.IOEvent, _ netpoll.IOFlags) error {
	if l.coalesce.every > 0 {
		l.coalesced(fd, ev)
		return nil
	}
	l.catchUp()
	if l.cfg.Meter == nil {
		l.dispatch(fd, ev)
		return nil
	}
	began := time.Now()
	k := l.dispatch(fd, ev)
	l.cfg.Meter.add(k, time.Since(began))
	return nil
}

// dispatch deals with one event and returns what it was about.
func (l *Loop[S]) dispatch(fd int, ev netpoll.IOEvent) kind {
	switch fd {
	case l.doorbell:
		l.work()
		return kindWork
	case l.timer:
		l.tick()
		return kindTimer
	}
	if i := l.listener(fd); i >= 0 {
		l.accept(i)
		return kindAccept
	}
	if i := l.leaver(fd); i >= 0 {
		l.bid(i)
		return kindAccept
	}
	l.ready(l.slab.at(int32(fd)), ev)
	return kindRead
}

func (l *Loop[S]) ready(c *Conn[S], ev netpoll.IOEvent) {
	if c.has(flagConnecting) {
		l.connected(c)
		return
	}
	if ev&unix.EPOLLOUT != 0 && c.has(flagBlocked) && !c.has(flagDead) {
		l.flush(c)
	}
	if ev&^unix.EPOLLOUT != 0 && !c.has(flagDead) {
		l.readable(c, ev)
	}
}

// tick answers the timerfd: timers may be due, and paused listeners try again.
func (l *Loop[S]) tick() {
	var b [8]byte
	_, _ = unix.Read(l.timer, b[:])
	l.armed = 0
	l.resumeListeners()
	l.resumeStalled()
	l.bidAll()
	l.rest()
}

// SinceRead returns how long ago bytes arrived last, or the connection was opened; resolution Tick.
func (l *Loop[S]) SinceRead(c *Conn[S]) time.Duration {
	return time.Duration(l.wheel.now-c.lastRead) * Tick
}

// SinceWrite returns how long ago the kernel took bytes last, the socket became full, or the connection was opened;
// resolution Tick.
func (l *Loop[S]) SinceWrite(c *Conn[S]) time.Duration {
	return time.Duration(l.wheel.now-c.lastWrite) * Tick
}
