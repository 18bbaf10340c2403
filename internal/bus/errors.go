package bus

import (
	"errors"
	"fmt"

	"tickgate/internal/topic"
)

// Reasons for a message not to be stored. Errors of Publish wrap one of them, or a *StorageError.
var (
	// ErrTopic means that the topic's name is not valid, see CheckTopic.
	ErrTopic = topic.ErrSyntax
	// ErrTooLarge means that the payload is larger than the stream allows.
	ErrTooLarge = errors.New("payload too large")
	// ErrOverloaded means that too many messages wait for their acknowledgement. The message has not
	// been sent: the publisher should come back a little later.
	ErrOverloaded = errors.New("too many unacknowledged messages")
	// ErrUnavailable means that the stream did not acknowledge the message. It may have been stored all
	// the same: repeating it is safe only with a message id.
	ErrUnavailable = errors.New("stream unavailable")
	// ErrClosed means that the bus has been closed.
	ErrClosed = errors.New("bus closed")
)

// ErrStreamLost means that the stream is gone or is another one than at the start. Message ids given out
// before have lost their meaning: the process has to start anew.
var ErrStreamLost = errors.New("the stream has been deleted or replaced")

// StorageError means that the embedded server cannot keep its files any more, as when the disk is full.
// Nothing is stored from then on; the bus has failed, see Bus.Done.
type StorageError struct {
	Dir string // the data directory
	Err error
}

func (e *StorageError) Error() string { return fmt.Sprintf("store messages in %s: %v", e.Dir, e.Err) }

// Unwrap returns the cause.
func (e *StorageError) Unwrap() error { return e.Err }
