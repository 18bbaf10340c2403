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
	// parts is into how many equal parts an interval is divided, at least 1.
	parts() int
	// next appends the quotes of one part of the interval to those that are still to be published.
	next(quotes []quote, part int) []quote
}

// ticker publishes the quotes of a market, a part of the interval after the other.
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
	parts := t.market.parts()
	step := t.cfg.Interval / time.Duration(parts)
	s := newSchedule(step, t.cfg.Interval)
	defer s.stop()
	for {
		intended, late, ok := s.wait(ctx)
		t.late.Add(late)
		if !ok {
			return nil
		}
		t.quotes = t.market.next(t.quotes, int(intended.UnixNano()/int64(step)%int64(parts)))
		t.publish(ctx, intended, publish)
	}
}

// publish offers all quotes and keeps those that were not taken.
func (t *ticker) publish(ctx context.Context, intended time.Time, publish Publish) {
	kept := t.quotes[:0]
	for _, q := range t.quotes {
		payload := t.encode(q, intended)
		if t.count(publish(ctx, q.symbol.topic, payload, intended)) {
			q.symbol.seq++
			q.symbol.waiting = false
		} else {
			q.symbol.waiting = true
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
