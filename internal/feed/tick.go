package feed

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// symbol is a traded thing with the sequence of its ticks.
type symbol struct {
	topic   string // that its ticks are published to
	prefix  []byte // the JSON of a tick up to the price
	seq     uint64 // of the last tick published
	waiting bool   // a quote has been refused, and is offered again before there is another one
}

// placeholder is what a symbol's name takes the place of in Config.Topic.
const placeholder = "{sym}"

// newSymbol returns a symbol whose ticks go to topic, in which its name takes the place of the placeholder.
func newSymbol(name, topic string) *symbol {
	quoted, err := json.Marshal(name)
	if err != nil {
		panic("BUG: feed: a string has no JSON: " + err.Error())
	}
	prefix := append([]byte(`{"sym":`), quoted...)
	return &symbol{topic: strings.ReplaceAll(topic, placeholder, name), prefix: append(prefix, `,"price":`...)}
}

// appendTick appends the tick that follows the symbol's last one:
// {"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}.
func (s *symbol) appendTick(dst []byte, price float64, intended time.Time) []byte {
	dst = append(dst, s.prefix...)
	dst = strconv.AppendFloat(dst, price, 'f', -1, 64)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, s.seq+1, 10)
	dst = append(dst, `,"ts":`...)
	dst = strconv.AppendInt(dst, intended.UnixNano(), 10)
	return append(dst, '}')
}

const (
	padStart = `,"pad":"`
	padEnd   = `"}`
)

// pad makes a tick exactly n bytes long, if it is shorter: by a field "pad", or by spaces where that does not fit.
func pad(tick []byte, n int) []byte {
	missing := n - len(tick)
	if missing <= 0 {
		return tick
	}
	tick = tick[:len(tick)-1]
	fill, end := byte(' '), "}"
	if room := missing - len(padStart) - len(padEnd) + len("}"); room >= 0 {
		tick = append(tick, padStart...)
		missing, fill, end = room, 'x', padEnd
	}
	for range missing {
		tick = append(tick, fill)
	}
	return append(tick, end...)
}
