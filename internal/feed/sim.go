package feed

import (
	"math"
	"math/rand/v2"
)

const (
	startPrice = 100.0
	// volatility is the standard deviation of a step of a price's logarithm: 0.1 %, lively to look at.
	volatility = 0.001
	// pull draws a price back towards where it started, so that a walk of weeks stays within 80 to 125.
	pull = 0.0001
)

// walk is a simulated price.
type walk struct {
	symbol *symbol
	random *rand.Rand
	log    float64 // of the price in relation to the start
}

// simulation is a market of random walks.
type simulation struct{ walks []walk }

func newSimulation(cfg Config) *simulation {
	symbols := cfg.Symbols
	if len(symbols) == 0 {
		symbols = []string{defaultSymbol}
	}
	s := &simulation{walks: make([]walk, len(symbols))}
	for i, name := range symbols {
		s.walks[i] = walk{
			symbol: newSymbol(name),
			random: rand.New(rand.NewPCG(uint64(cfg.Seed), uint64(i))),
		}
	}
	return s
}

func (s *simulation) next(quotes []quote) []quote {
	for i := range s.walks {
		quotes = append(quotes, s.walks[i].step())
	}
	return quotes
}

// step moves the price and returns it in whole cents.
func (w *walk) step() quote {
	w.log += volatility*w.random.NormFloat64() - pull*w.log
	return quote{symbol: w.symbol, price: math.Round(100*startPrice*math.Exp(w.log)) / 100}
}
