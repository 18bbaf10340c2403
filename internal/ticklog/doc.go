// Package ticklog remembers when the newest messages passed through the parts of one process of the gateway, so that a
// late one can be explained afterwards: offered to the bus, stored, received, announced to the event loops, and for each
// loop when its pass through the subscribers began and ended and what else it did meanwhile. Beside them it keeps the
// garbage collector's last cycles.
//
// A [Log] is a ring of fixed size. Writing to it takes a mutex and some readings of clocks per message and event loop, and
// nothing per delivery or connection (1 µs together, BenchmarkMessage). 512 messages and their passes through two loops are
// 275 KB, whatever the load.
//
// The package knows neither the hub nor the loops: they are handed its methods. What the records mean for a client is
// decided elsewhere (the swarm's internal/load/blame reads them through GET /debug/ticks).
package ticklog
