// Package publish is the HTTP interface for publishers: single messages, and pipelines of messages as lines of JSON.
//
// A message is answered for once the stream has stored it, and never dropped in silence: who publishes faster than the
// stream stores is held up by TCP (a pipeline) or told to come back (a single message). Memory is bounded by Config,
// whatever publishers do. Where the handler listens, and who may publish, is decided by others.
package publish
