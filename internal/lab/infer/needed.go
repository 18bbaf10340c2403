package infer

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// power is the chance of a conclusion that Needed aims at, the usual 80 %.
	power = 0.8
	// efficiency is that of the signed-rank test relative to the t-test, whose formulas are used, for normal differences: 3/π.
	efficiency = 3 / math.Pi
)

// Needed returns about how many blocks settle whether there is an effect of the size of interest, given as a positive difference, if the blocks spread
// as they did and the p-value competes with the given number of tests (all metrics of all comparisons): enough to find such an effect, and enough for
// the interval to fit within it if there is none. It returns 0 if the spread or the size is zero, and so says nothing.
func (e Effect) Needed(size float64, tests int) int {
	if e.Spread == 0 || size <= 0 {
		return 0
	}
	z := distuv.UnitNormal.Quantile
	find := z(1-(1-Level)/2/float64(tests)) + z(power)
	exclude := z(1-(1-Level)/2) + z(1-(1-power)/2)
	blocks := math.Pow(max(find, exclude)*e.Spread/size, 2) / efficiency
	if blocks > math.MaxInt32 {
		return math.MaxInt32
	}
	return max(int(math.Ceil(blocks)), MinBlocks(tests))
}

// MinBlocks returns the smallest number of blocks with which the given number of tests can find anything at all: with n blocks no p-value is below
// 2/2^n, and Holm's method multiplies the smallest by the number of tests.
func MinBlocks(tests int) int {
	return int(math.Ceil(math.Log2(2 * float64(max(tests, 1)) / (1 - Level))))
}
