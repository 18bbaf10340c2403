package feed

import (
	"context"
	"time"
)

// quote is a price that has not been published yet.
type quote struct {
	symbol *symbol
	price  float64
}

// market makes up or knows prices.
type market interface {
	// next appends the quotes of one interval.
	next(quotes []quote) []quote
}

// ticker publishes the quotes of a market, interval by interval.
type ticker struct {
	counters
	cfg    Config
	market market

	// owned by Run
	quotes  []quote // still to be published
	payload []byte
}

func newTicker(cfg Config, m market) *ticker { return &ticker{cfg: cfg, market: m} }

// Run implements Feed.
func (t *ticker) Run(ctx context.Context, publish Publish) error {
	s := newSchedule(t.cfg.Interval)
	defer s.stop()
	for {
		intended, late, ok := s.wait(ctx)
		t.late.Add(late)
		if !ok {
			return nil
		}
		if len(t.quotes) == 0 {
			t.quotes = t.market.next(t.quotes)
		}
		t.publish(ctx, intended, publish)
	}
}

// publish offers all quotes and keeps those that were not taken.
func (t *ticker) publish(ctx context.Context, intended time.Time, publish Publish) {
	kept := t.quotes[:0]
	for _, q := range t.quotes {
		payload := t.encode(q, intended)
		if t.count(publish(ctx, t.cfg.Topic, payload, intended)) {
			q.symbol.seq++
		} else {
			kept = append(kept, q)
		}
	}
	t.quotes = kept
}

// encode returns the payload of a quote; it is valid until the next call.
func (t *ticker) encode(q quote, intended time.Time) []byte {
	t.payload = q.symbol.appendTick(t.payload[:0], q.price, intended)
	t.payload = pad(t.payload, t.cfg.PayloadBytes)
	return t.payload
}
