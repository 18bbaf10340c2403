package lab

import (
	"math/rand/v2"
	"slices"
)

// Run is one planned run of one variant.
type Run struct {
	Number  int    `json:"number"` // in the order of execution, from 1
	Block   int    `json:"block"`  // from 1
	Variant int    `json:"variant"`
	Name    string `json:"name"` // of the variant
}

// Schedule returns the experiment's runs in their order. The order within each block depends on nothing but the seed and the block's number.
func (e *Experiment) Schedule(seed uint64) []Run {
	var runs []Run
	for block := range e.Design.Repeats {
		for _, v := range e.block(seed, block) {
			runs = append(runs, Run{Number: len(runs) + 1, Block: block + 1, Variant: v, Name: e.Variants[v].Name})
		}
	}
	return runs
}

func (e *Experiment) block(seed uint64, block int) []int {
	order := rand.New(rand.NewPCG(seed, uint64(block))).Perm(len(e.Variants))
	if e.Design.Order == Mirrored {
		mirror := slices.Clone(order)
		slices.Reverse(mirror)
		order = append(order, mirror...)
	}
	return order
}
