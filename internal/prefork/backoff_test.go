package prefork

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := Backoff{Min: 100, Max: 500, Reset: 1000}.withDefaults()
	tests := []struct{ last, uptime, want time.Duration }{
		{last: 0, uptime: 0, want: 100},
		{last: 100, uptime: 0, want: 200},
		{last: 200, uptime: 999, want: 400},
		{last: 400, uptime: 0, want: 500},
		{last: 500, uptime: 0, want: 500},
		{last: 500, uptime: 1000, want: 100},
	}
	for _, tt := range tests {
		if got := b.next(tt.last, tt.uptime); got != tt.want {
			t.Errorf("after %d and a run of %d: got %d, want %d", tt.last, tt.uptime, got, tt.want)
		}
	}
	if got := (Backoff{Min: time.Minute}).withDefaults(); got.Max != time.Minute || got.Reset <= 0 {
		t.Errorf("defaults: got %+v, want Max at least Min", got)
	}
}
