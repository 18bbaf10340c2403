// Package publish is how messages come in: the HTTP interface for publishers (a [Handler]: single messages, and
// pipelines of messages as lines of JSON), and what publishes for clients on event loops (a [Relay]).
//
// A message is answered for once the stream has stored it, and never dropped in silence: who publishes faster than the
// stream stores is held up by TCP (a pipeline) or told to come back (a single message). Memory is bounded by Config,
// whatever publishers do. Where the handler listens, and who may publish, is decided by others.
package publish
