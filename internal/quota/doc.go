// Package quota keeps one bound on the connections of several processes.
//
// Each process has a counter of its own in memory that all of them map; what is taken is their sum. The process that made
// the memory can put the counter of a dead one back to zero, so that nothing is lost with it. What is counted, and which
// process has which counter, is left to the caller.
package quota
