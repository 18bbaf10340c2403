package epoll

// Reason says why a connection ended or was refused. Values below UserReason are given by the loop itself; the
// owner of the connections numbers its own from UserReason up and passes them to Close and Reset.
type Reason uint8

// Reasons the loop gives.
const (
	// ReasonNone is the zero value and is never passed to OnClose.
	ReasonNone Reason = iota
	// PeerClosed: the peer sent FIN while the connection was open.
	PeerClosed
	// PeerReset: the peer reset the connection, or the kernel gave it up (TCP_USER_TIMEOUT, unreachable).
	PeerReset
	// DialFailed: a connection begun with Dial was not established; OnClose carries the cause.
	DialFailed
	// LeftoverExceeded: the handler left more unconsumed input than MaxLeftover.
	LeftoverExceeded
	// PendingExceeded: Write would have had to keep more than MaxPending bytes.
	PendingExceeded
	// RefusedMaxConns: refused at accept, MaxConns reached.
	RefusedMaxConns
	// RefusedNoFile: refused at accept with the reserve descriptor, EMFILE or ENFILE.
	RefusedNoFile
	// RefusedAdmission: refused at accept by the handler, see Admitter.
	RefusedAdmission
	// Stopped: the loop ended while the connection was open.
	Stopped

	// UserReason is the first value free for the owner of the connections.
	UserReason Reason = 16
)

var reasonNames = [...]string{
	ReasonNone: "none", PeerClosed: "peer_closed", PeerReset: "peer_reset", DialFailed: "dial_failed",
	LeftoverExceeded: "leftover_exceeded", PendingExceeded: "pending_exceeded",
	RefusedMaxConns: "max_conns", RefusedNoFile: "nofile", RefusedAdmission: "admission", Stopped: "stopped",
}

// String returns the metric label of a reason the loop gives, and "user" for the owner's.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "user"
}

// Status is what became of bytes handed to a connection.
type Status uint8

// The outcomes of a send.
const (
	// Sent: the kernel took everything.
	Sent Status = iota
	// Partial: the kernel took a part; the rest is remembered and goes out first. OnWritable follows.
	Partial
	// Blocked: nothing was taken and nothing is remembered; try again from OnWritable, which follows.
	Blocked
	// Failed: the connection is closing or gone; OnClose follows or has been called.
	Failed
)
