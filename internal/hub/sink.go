package hub

// Delivery is what became of one message for one connection.
type Delivery uint8

const (
	// Delivered means that the sink has taken the message, though the kernel may not have taken all of it yet.
	Delivered Delivery = iota
	// Blocked means that the connection still has unsent bytes. Its cursor stays where it is; the owner calls
	// [Fanout.Resume] as soon as the connection can take more.
	Blocked
	// Gone means that the connection is closed or closing. It gets nothing more.
	Gone
)

// Sink takes messages to connections. Its methods are called by [Fanout.Work] only, hence on the event loop.
// They may call the fan-out's Subscribe, Unsubscribe, UnsubscribeAll and Resume, for any connection; but SendMany must not
// give another subscription to a connection that it is handed.
type Sink interface {
	// SendMany offers one message to several connections and stores what became of each in out, which
	// has the length of conns. It must not keep the slices. The connections may differ in their format.
	SendMany(m *Message, conns []int32, out []Delivery)
	// Overrun says that the ring has overwritten the next message of a subscriber of an All topic, or of a view with one. The
	// subscription gets nothing more; the owner tells the client of the gap and closes it.
	Overrun(conn int32, t *Topic)
}
