// Package feed makes the gateway's own messages: price ticks from a seeded simulation or from the rows of a CSV
// file, once per interval, or the lines of standard input as they come.
//
// A tick carries the time it was meant for, so that latency can be measured from outside without coordinated
// omission, and a sequence per symbol, so that loss can be told. Where ticks go is left to the caller.
package feed
