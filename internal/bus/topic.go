package bus

import "tickgate/internal/topic"

const (
	// Stream is the name of the JetStream stream.
	Stream = "TICKGATE"
	// SubjectPrefix and a topic make the subject of the topic's messages.
	SubjectPrefix = "tick."
	// EventHeader is the NATS header that holds the SSE event type of a message.
	EventHeader = "Tickgate-Event"
)

// CheckTopic returns an error that wraps ErrTopic unless the name is that of a topic; see package topic.
func CheckTopic(name string) error { return topic.Check(name) }
