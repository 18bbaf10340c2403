// Package auth decides what a client may subscribe and publish: tokens (JWT) that carry patterns of topics for the public
// listener, and named publish keys for the private one. It speaks no protocol and knows no connection; the caller puts
// refusals onto the wire and ends connections whose verdict has run out.
//
// A token grants with the claim tickgate (another name can be configured):
//
//	{"exp":1790000000,"tickgate":{"subscribe":["price.*"],"publish":["chat.>"]}}
//
// Verification is made for event loops and for storms of connections. [Verifier.Check] never blocks: it answers at once
// from the cache, for HS256 and for everything that is wrong at first sight, and hands public-key signatures and unknown
// keys to a few goroutines of its own, which call back. What waits is bounded; beyond the bound the answer is ErrBusy.
//
// No secret leaves this package: a [Token] prints as "[token]" whatever prints it, and errors are constants that quote
// nothing of a token.
package auth
