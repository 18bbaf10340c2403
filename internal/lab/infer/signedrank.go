package infer

import (
	"cmp"
	"math"
	"slices"
)

// signedRank returns the exact two-sided p-value of the Wilcoxon signed-rank test: the share of all sign changes of the differences that give a rank
// sum at least as far from its expectation. Zeros are left out, and ties share the mean of their ranks; the distribution is that of the ranks as
// they are, so ties make it no less exact.
func signedRank(differences []float64) float64 {
	d := slices.DeleteFunc(slices.Clone(differences), func(x float64) bool { return x == 0 })
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	ranks := doubledRanks(d)
	total, positive := 0, 0
	for i, r := range ranks {
		total += r
		if d[i] > 0 {
			positive += r
		}
	}
	extreme := min(positive, total-positive)
	p := 0.0
	for _, share := range sums(ranks)[:extreme+1] {
		p += share
	}
	return min(2*p, 1)
}

// doubledRanks returns twice the rank of each of the values, which are sorted by size: means of tied ranks are halves, and their doubles are whole.
func doubledRanks(sorted []float64) []int {
	ranks := make([]int, len(sorted))
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && math.Abs(sorted[j]) == math.Abs(sorted[i]) {
			j++
		}
		for k := i; k < j; k++ {
			ranks[k] = i + 1 + j // twice the mean of ranks i+1 to j
		}
		i = j
	}
	return ranks
}

// sums returns the probability of each sum when every rank is taken or not by the toss of a coin.
func sums(ranks []int) []float64 {
	p := []float64{1}
	for _, r := range ranks {
		next := make([]float64, len(p)+r)
		for s, share := range p {
			next[s] += share / 2
			next[s+r] += share / 2
		}
		p = next
	}
	return p
}
