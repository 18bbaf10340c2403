package bus

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Stream is the name of the JetStream stream.
	Stream = "TICKGATE"
	// SubjectPrefix and a topic make the subject of the topic's messages.
	SubjectPrefix = "tick."
	// EventHeader is the NATS header that holds the SSE event type of a message.
	EventHeader = "Tickgate-Event"

	maxTopic = 200 // bytes; a NATS subject must fit into a control line of 4 KiB with the reply subject
)

// CheckTopic returns an error that wraps ErrTopic unless topic can be published to: 1 to 200 bytes of UTF-8,
// tokens separated by single dots, without white space, control characters and the wildcards * and >.
func CheckTopic(topic string) error {
	reason := topicFault(topic)
	if reason == "" {
		return nil
	}
	return fmt.Errorf("%w %q: %s", ErrTopic, topic[:min(len(topic), maxTopic)], reason)
}

func topicFault(topic string) string {
	switch {
	case topic == "":
		return "it is empty"
	case len(topic) > maxTopic:
		return fmt.Sprintf("it has %d bytes, at most %d are allowed", len(topic), maxTopic)
	case !utf8.ValidString(topic):
		return "it is not UTF-8"
	case strings.HasPrefix(topic, ".") || strings.HasSuffix(topic, ".") || strings.Contains(topic, ".."):
		return "it has an empty token"
	case strings.ContainsAny(topic, "*>"):
		return "wildcards cannot be published to"
	case strings.ContainsFunc(topic, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "it has white space or control characters"
	}
	return ""
}
