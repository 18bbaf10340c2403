package envelope

// Error is why a command is refused: the members code and message of the answer. The message quotes at most a short
// part of what the client sent.
type Error struct {
	Code    string // one of a few words for programs; the constants below, or a publisher's
	Message string // for people; what is wrong and what to do
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// The codes of refusals. Those of messages that could not be stored are package publish's.
const (
	// BadCommand: not a command, or one with wrong, missing or unknown members.
	BadCommand = "bad_command"
	// UnknownCommand: "t" is not the name of a command.
	UnknownCommand = "unknown_command"
	// Unsupported: a member whose name is reserved for what this version does not do.
	Unsupported = "unsupported"
	// BadMaxRate: max_rate is no rate, or one out of bounds.
	BadMaxRate = "bad_max_rate"
	// TooManyTopics: more topics than a command, or a connection, may have.
	TooManyTopics = "too_many_topics"
	// UnknownTopic: there is no such topic.
	UnknownTopic = "unknown_topic"
	// Forbidden: the client has no permission for this.
	Forbidden = "forbidden"
	// Busy: too many messages of this client, or of all, are on their way; the same command may succeed soon.
	Busy = "busy"
)
