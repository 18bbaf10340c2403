package epoll

// Handler is told what happens to the connections of one loop. Every method is called on that loop's goroutine,
// one at a time, and must not block: whatever it does, the loop's other connections wait for.
//
// OnClose is never called from within Send, Write, Close or Reset, but later, when the batch of events at hand
// has been dealt with; between the two the connection answers Failed.
type Handler[S any] interface {
	// OnOpen announces a connection that was accepted, or dialed and is now established.
	OnOpen(c *Conn[S])
	// OnData hands over the bytes that have arrived, after those OnData did not consume before, and returns how
	// many it consumed. The bytes may be modified in place and are valid during the call only. What is left is
	// kept in a pooled buffer (at most Config.MaxLeftover) and offered again once more has arrived.
	OnData(c *Conn[S], b []byte) int
	// OnWritable says that the kernel has taken everything a Partial or Blocked send left behind.
	OnWritable(c *Conn[S])
	// OnTimer says that the time given to SetTimer has passed. Without another SetTimer it fires in an hour.
	OnTimer(c *Conn[S])
	// OnClose is the last call for c. err is the system's error where there was one; a Dial that came to nothing
	// ends here without an OnOpen.
	OnClose(c *Conn[S], reason Reason, err error)
	// OnWork does at most budget sends of queued work and reports whether some is left. It is called after Kick
	// and then for as long as it returns true, with the I/O events that have come up in between.
	OnWork(budget int) (more bool)
}

// Admitter is a Handler that has a say in who is accepted. Its method is called under the same rules.
type Admitter[S any] interface {
	// Admit is asked for each accepted connection before OnOpen. A nil answer lets it in. Any other one is sent, the bytes are used at
	// once, and the connection is closed without OnOpen or OnClose, so that an attacker who is turned away costs two system
	// calls more than one for whom there is no room.
	Admit(c *Conn[S]) (refusal []byte)
}
