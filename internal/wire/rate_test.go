package wire

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2/s": 500 * time.Millisecond, "1/s": time.Second, "1000/s": time.Millisecond, "1000.000/s": time.Millisecond,
		"0.5/s": 2 * time.Second, "2.50/s": 400 * time.Millisecond, "0.017/s": time.Second * 1000 / 17, "3/s": time.Second / 3,
		"1/m": time.Minute, "30/m": 2 * time.Second, "1.5/m": 40 * time.Second, "60000/m": time.Millisecond, "007/s": time.Second / 7,
	} {
		if got, ok := ParseRate([]byte(text)); !ok || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "/", "/s", "2", "2/", "2s", "2/h", "2/S", "2/s ", " 2/s", "2/s/s", "2 /s", "+2/s", "-2/s", "2./s", ".5/s", "./s", "2.0000/s",
		"2,5/s", "2e1/s", "0x2/s", "0/s", "0.000/s", "1000.001/s", "1001/s", "0.016/s", "0.999/m", "60001/m", "٢/s", "1.-5/s",
		"000000002/s", strings.Repeat("9", 18) + "/s", strings.Repeat("9", 19) + "/s",
	} {
		if got, ok := ParseRate([]byte(text)); ok {
			t.Errorf("%q: got %v, want a refusal", text, got)
		}
	}
}

// FuzzParseRate: what is accepted is a rate within the bounds, as arithmetic with fractions has it.
func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"2/s", "0.5/s", "1/m", "1000/s", "2", "-1/s", "0.001/s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ParseRate([]byte(text))
		number, unit, _ := strings.Cut(text, "/")
		per := map[string]time.Duration{"s": time.Second, "m": time.Minute}[unit]
		rate, isNumber := new(big.Rat).SetString(number)
		if !isNumber || per == 0 || rate.Sign() <= 0 {
			if ok {
				t.Fatalf("%q: got %v, want a refusal", text, got)
			}
			return
		}
		interval := new(big.Rat).Quo(new(big.Rat).SetInt64(int64(per)), rate)
		want := time.Duration(new(big.Int).Quo(interval.Num(), interval.Denom()).Int64())
		if ok && (got != want || got < leastInterval || got > mostInterval) {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
	})
}
