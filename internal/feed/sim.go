package feed

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	startPrice = 100.0
	// volatility is the standard deviation of a step of a price's logarithm: 0.1 %, lively to look at.
	volatility = 0.001
	// pull draws a price back towards where it started, so that a walk of weeks stays within 80 to 125.
	pull = 0.0001
	// leastStep is the shortest pause between the ticks of two symbols; where there are more symbols than fit an
	// interval, several tick together. A timer keeps a millisecond.
	leastStep = time.Millisecond
)

// walk is a simulated price.
type walk struct {
	symbol *symbol
	random *rand.Rand
	log    float64 // of the price in relation to the start
}

// simulation is a market of random walks. Each symbol ticks once an interval, all of them spread evenly over it.
type simulation struct {
	walks []walk
	steps int // parts of the interval, at least one symbol in each
}

func newSimulation(cfg Config) *simulation {
	symbols := cfg.Symbols
	if len(symbols) == 0 {
		symbols = []string{defaultSymbol}
	}
	s := &simulation{walks: make([]walk, len(symbols)), steps: max(1, min(len(symbols), int(cfg.Interval/leastStep)))}
	for i, name := range symbols {
		s.walks[i] = walk{
			symbol: newSymbol(name, cfg.Topic),
			random: rand.New(rand.NewPCG(uint64(cfg.Seed), uint64(i))),
		}
	}
	return s
}

// parts implements market.
func (s *simulation) parts() int { return s.steps }

// next implements market.
func (s *simulation) next(quotes []quote, part int) []quote {
	n := len(s.walks)
	for i := part * n / s.steps; i < (part+1)*n/s.steps; i++ {
		if w := &s.walks[i]; !w.symbol.waiting {
			quotes = append(quotes, w.step())
		}
	}
	return quotes
}

// step moves the price and returns it in whole cents.
func (w *walk) step() quote {
	w.log += volatility*w.random.NormFloat64() - pull*w.log
	return quote{symbol: w.symbol, price: math.Round(100*startPrice*math.Exp(w.log)) / 100}
}
