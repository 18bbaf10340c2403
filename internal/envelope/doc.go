// Package envelope is the WebSocket subprotocol tickgate.v1 as pure functions on bytes: the commands of clients, decoded
// strictly, and what they are sent, encoded by appending. It does no I/O, has no state, and knows neither frames nor
// topics; what a command does is decided by its callers.
//
// Everything is a JSON text in a text frame of its own, an object whose member "t" says what it is:
//
//	{"t":"sub","ref":1,"topics":["price.ACME"]}
//	{"t":"ok","ref":1,"topics":1}
//	{"t":"msg","topic":"price.ACME","id":"dn0zj7w25p6b-7","data":{"p":101.25}}
//
// A command is refused with a typed [Error] as soon as anything about it is in doubt: a member that is unknown, comes
// twice or does not belong to the command, a value of another type, nesting deeper than [MaxDepth], bytes that are not UTF-8. What is
// ignored today could not be given a meaning tomorrow.
package envelope
