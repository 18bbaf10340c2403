package dashboard

import (
	"encoding/json"
	"time"
)

// shownText is how much is shown of a symbol, or of a message that has no price, in bytes.
const shownText = 160

// price is what the page knows of a message of the default topic.
type price struct {
	Time   int64    `json:"time"` // Unix milliseconds: the payload's own time, or else its arrival
	Symbol string   `json:"symbol,omitempty"`
	Price  *float64 `json:"price,omitempty"`
	Text   string   `json:"text,omitempty"` // of a message without a price
}

// newPrice reads a payload of the feed (docs/protocol.md, "Tick payload"), or of whoever else publishes in that form.
func newPrice(payload []byte, now time.Time) *price {
	var tick struct {
		Symbol string   `json:"sym"`
		Price  *float64 `json:"price"`
		TS     int64    `json:"ts"` // Unix nanoseconds
	}
	p := &price{Time: milliseconds(now)}
	if json.Unmarshal(payload, &tick) != nil || tick.Price == nil {
		p.Text = string(payload[:min(len(payload), shownText)])
		return p
	}
	p.Symbol, p.Price = tick.Symbol[:min(len(tick.Symbol), shownText)], tick.Price
	if tick.TS > 1e17 { // 1973 in nanoseconds; less is in another unit
		p.Time = tick.TS / int64(time.Millisecond)
	}
	return p
}

func (p *price) json() []byte {
	data, err := json.Marshal(p)
	if err != nil {
		panic("BUG: price: " + err.Error())
	}
	return data
}

// quoted returns text as JSON.
func quoted(text string) []byte {
	data, err := json.Marshal(text)
	if err != nil {
		panic("BUG: text: " + err.Error())
	}
	return data
}
