// Package report turns what a swarm has seen, and what its server has cost, into a report: a table for people, a JSON
// document for programs, verdicts on assertions, and the line of progress on the way there.
//
// A [Run] is the material: counters at four moments (before the ramp, when everybody was connected, at the end of
// holding, after settling), so that everything can be said about the measured interval alone. [New] computes the
// [Report]; its JSON form is stable, see [Schema].
//
// Left to others: collecting the material (cmd/swarm, load, load/sample).
package report
