// Package planner predicts from the report of one run what another number of connections needs: memory of the server's processes and of the kernel,
// processors, descriptors, the time of a pass to everybody, and which of them this machine runs out of first.
//
// What is fixed for each process is kept apart from what is fixed once and from what each connection adds: a descriptor limit makes a larger run one of more
// processes, and a line through a run of two would miss what the others bring. The model of memory is
//
//	shared + supervisor + workers x (a worker as measured) + slope x (connections - workers x connections of a worker as measured)
//
// so that only the difference to a worker of the run is extrapolated. Processor time is a price per message, and a few milliseconds a second for each
// process.
//
// Intervals hold what the run itself leaves open, and for processor time what was measured between 15,000 and 100,000 connections. They do not know of
// steps beyond the run: a kernel that begins to throttle, a cache that no longer suffices for a million.
//
// Left to others: the limits of the machine (internal/limits), the lines (load/cost).
package planner
