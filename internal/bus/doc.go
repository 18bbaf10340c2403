// Package bus publishes messages and reads them back, in one order that is the same on every node.
//
// All messages go through one JetStream stream, whose sequence number is a message's identity: together with
// the stream's epoch it is the id that clients see. The stream lives in a nats-server that the package embeds
// (in memory, or in files below Config.Dir) or in an external NATS system (Config.URLs). Worker processes
// reach it with [Connect] through the [Endpoint] of the process that owns it.
//
// A message is acknowledged to its publisher once the stream has stored it, and delivered to every
// subscription in order and exactly once, or the subscription is told of the gap. What topics mean, and who
// may use them, is left to others.
package bus
