package wire

import (
	"bytes"
	"time"
)

const (
	// leastInterval and mostInterval bound what max_rate may ask for: 1000/s and 1/m. A client that wants more has no use
	// for a bound.
	leastInterval = time.Millisecond
	mostInterval  = time.Minute

	// maxRateText is the length of "1000.000/s".
	maxRateText = 10
	// rateUnit is what the number of a rate is counted in, so that it has three decimals.
	rateUnit = 1000
)

// ParseRate reads the value of max_rate and returns the time between two messages: a number, with up to three decimals,
// and /s or /m for a second or a minute. BadRate says what is wrong with any other.
func ParseRate(text []byte) (interval time.Duration, ok bool) {
	number, unit, _ := bytes.Cut(text, []byte("/"))
	per := time.Duration(0)
	switch string(unit) {
	case "s":
		per = time.Second
	case "m":
		per = time.Minute
	}
	n, ok := thousandths(number)
	if !ok || n == 0 || per == 0 || len(text) > maxRateText {
		return 0, false
	}
	interval = per * rateUnit / time.Duration(n)
	return interval, leastInterval <= interval && interval <= mostInterval
}

// thousandths reads a number with up to three decimals.
func thousandths(text []byte) (n int64, ok bool) {
	whole, decimals, point := bytes.Cut(text, []byte("."))
	if n, ok = decimal(whole); !ok || n > maxLast {
		return 0, false
	}
	if len(decimals) > 3 || point && len(decimals) == 0 {
		return 0, false
	}
	for i := range 3 {
		n *= 10
		if i >= len(decimals) {
			continue
		}
		if decimals[i] < '0' || decimals[i] > '9' {
			return 0, false
		}
		n += int64(decimals[i] - '0')
	}
	return n, true
}

// BadRate is the refusal of a max_rate that is no rate or out of bounds.
func BadRate(value string) *HTTPError {
	return &HTTPError{
		Status: statusBadRequest, Code: "bad_max_rate",
		Message: "max_rate is " + value + " and not a rate from 1/m to 1000/s, such as 2/s, 0.5/s or 30/m",
	}
}
