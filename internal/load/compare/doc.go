// Package compare holds two runs of the swarm against each other: what was different about them, what came out differently, and which of the
// differences are larger than the runs themselves vary.
//
// One pair of runs has no confidence interval: what a machine does differently an hour later is in the difference, and cannot be seen in it. What can be
// seen is how much the seconds of each run differ from one another. Metrics with a value for each second get an interval from that, by a block
// bootstrap (Künsch 1989): the seconds are drawn again in blocks, since a slow second is often followed by another one. An interval that
// contains no change means that the difference is within the noise inside the runs; one that does not is still no claim about runs to come. For
// claims there is lab, which repeats, shuffles and pairs.
//
// Left to others: reading the files, and exit codes (cmd/swarm).
package compare
