// Package lab holds experiments: what their files say, in which order their runs are made, how runs are stored and continued, and what they
// come to.
//
// # The file
//
// An experiment is a YAML file, decoded strictly; the annotated [Reference], which `lab help` prints, has every key. It asks a question, says beforehand
// what is expected, and names the variants: setups of gateway and swarm that differ in flags, environment, sysctls, I/O model, descriptor limit
// or load. The first variant is the baseline, and each of the others is compared with it by each of the metrics.
//
//	question, expectation, measured    text; measured is the result of a run, filled in by `lab keep`
//	network, window                    where the programs meet, and which part of a run is measured
//	link-rate, cut                     a slow link, and clients that vanish
//	design                             order (abba, random), repeats, warmup, measure, cooldown, timeout
//	metrics                            name, value, per, scale, unit, better, effect, min-effect
//	common, variants                   gateway, swarm, env, sysctl, io, nofile, conntrack; variants also name, about
//	same-on-purpose                    for A/A tests
//	medians-only                       for what takes too long for verdicts
//	quick                              repeats, warmup, measure, gateway, swarm: laid over the rest by --quick
//
// # The runs
//
// Runs are cold and come in blocks. A block has every variant equally often, in an order drawn from the seed; with abba it is its own mirror image, so that
// a steady drift is the same for all. Each run is a file in the output directory, written atomically, so that an interrupted experiment goes
// on with the first run that is missing: the same experiment, on the same kernel, with the same programs and sysctls, or not at all. The number of runs is
// fixed before the first one, and values are not shown before the last one: stopping when a result pleases is the easiest way to find what is
// not there. A run that fails is made again once, which the report mentions.
//
// # The verdict
//
// Each block yields one difference per metric and variant; package infer makes an effect with an interval and an exact p-value of them. Effects are
// ratios, unless the metric asks for differences or is not always positive. All metrics of all variants share the chance of 5 % for a false difference. The
// verdict is "no measurable effect" if the interval lies within the metric's min-effect, "differs" if the corrected p-value is at most 0.05, and otherwise
// "inconclusive", with about the number of repeats that would settle it.
//
// # What else there is
//
// Processes and measuring are in package bench, restoring sysctls in undo, the statistics in infer, the output in report, and namespaces in netns.
package lab
