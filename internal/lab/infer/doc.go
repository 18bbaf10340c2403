// Package infer decides what paired measurements of two variants allow to say, and what not.
//
// The unit is the block: a stretch of an experiment in which each variant was run equally often, in an order drawn at random. A block gives one
// difference per metric, so that whatever drifts slowly (temperature, neighbours, page cache) is in both of its sides. Under the hypothesis that a
// variant changes nothing, its runs and the baseline's could have been swapped within any block, and the draw would have been as likely: that, and no
// assumption about distributions, is what the p-value stands on. It is that of the Wilcoxon signed-rank test, computed exactly from all sign
// changes with the ranks as observed, ties included. The interval contains the effects that the same test does not reject (Hodges and Lehmann
// 1963), so that p-value, estimate and interval cannot contradict each other, and one wild run moves none of them far.
//
// A difference that is not found is not the same as none: [Judge] says "no measurable effect" only if the whole interval lies within the smallest
// effect that is of interest, and otherwise how many blocks would settle it. Several metrics are several chances to be fooled; [Holm] accounts for them.
//
// Left to others: which runs form a block, what a metric is, and how any of it is shown.
package infer
