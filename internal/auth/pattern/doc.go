// Package pattern is the syntax of topics and of the patterns that select them, and answers whether what somebody asks
// for lies within what he was granted.
//
// A topic is tokens with single dots between them (price.ACME). A pattern may have wildcards for whole tokens, as in
// NATS subjects: * stands for exactly one token, > stands at the end and for one or more. All functions are pure and
// safe for concurrent use, and none but the checks' errors allocate.
package pattern
