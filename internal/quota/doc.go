// Package quota keeps bounds on the connections of several processes: one on all of them together ([Pool], [Share]), and one on
// those of each address ([AddressPool], [Addresses]).
//
// Each process has counters of its own in memory that all of them map; what is taken is their sum. The process that made
// the memory can put the counters of a dead one back to zero, so that nothing is lost with it. What is counted, and which
// process has which counter, is left to the caller.
package quota
