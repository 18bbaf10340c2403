package hub

import "fmt"

// Policy says what a subscriber that fell behind gets.
type Policy uint8

const (
	// Latest conflates: the cursor jumps to the newest message and the skipped ones are counted.
	Latest Policy = iota
	// All delivers every message in order. A subscriber whose next message the ring has overwritten is
	// handed to [Sink.Overrun].
	All
)

// String returns the policy's name as flags, the API and metric labels spell it.
func (p Policy) String() string {
	switch p {
	case Latest:
		return "latest"
	case All:
		return "all"
	default:
		return fmt.Sprintf("Policy(%d)", uint8(p))
	}
}

// DefaultLast is the number of messages a new subscriber starts with when it does not say: one for Latest,
// so that it sees a price at once, and none for All.
func (p Policy) DefaultLast() int {
	if p == Latest {
		return 1
	}
	return 0
}
