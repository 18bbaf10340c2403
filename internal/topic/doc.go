// Package topic is the one place that knows how topics and the patterns that select them look, and whether what
// somebody asks for lies within what he was granted.
//
// A topic is 1 to 200 bytes of UTF-8 without white space and control characters: tokens with single dots between them
// (price.ACME). A pattern may have wildcards for whole tokens, as in NATS subjects: * stands for exactly one token, >
// stands at the end and for one or more. All functions are pure and safe for concurrent use, and none but the checks'
// errors allocate.
package topic
