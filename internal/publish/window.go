package publish

import "sync"

// window holds the messages of a pipeline that are without their result, in order, bounded by number and by bytes. One
// goroutine adds, another takes.
type window struct {
	queue chan sent

	mu    sync.Mutex
	freed sync.Cond
	bytes int  // guarded by mu; of the messages in the queue
	limit int  // immutable
	ended bool // guarded by mu; nobody takes any more
}

// sent is a message on its way to the stream, or what was wrong with it.
type sent struct {
	pending Pending // undefined if there is an err
	err     error
	bytes   int
}

func newWindow(messages, bytes int) *window {
	w := &window{queue: make(chan sent, messages), limit: bytes}
	w.freed.L = &w.mu
	return w
}

// reserve waits until there is room for n bytes and returns false if nobody takes any more. One that is larger than the
// window gets it for itself.
func (w *window) reserve(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ended && w.bytes > 0 && w.bytes+n > w.limit {
		w.freed.Wait()
	}
	w.bytes += n
	return !w.ended
}

// release gives n bytes back.
func (w *window) release(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes -= n
	w.freed.Signal()
}

// end lets whoever waits in reserve go.
func (w *window) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.freed.Signal()
}
