package dashboard

import (
	"strings"
	"testing"
	"time"
)

// The page's history holds thousands of prices: whoever publishes them must not decide how large they are.
func TestPricesAreSmall(t *testing.T) {
	long := strings.Repeat("<", 60<<10) // of which JSON makes six bytes each
	for _, payload := range []string{
		long,
		`{"sym":"` + long + `","price":1}`,
		`{"sym":"` + long + `"}`,
	} {
		if n, most := len(newPrice([]byte(payload), time.Now()).json()), 100+6*shownText; n > most {
			t.Errorf("%.20s… of %d bytes: got %d bytes, want %d at most", payload, len(payload), n, most)
		}
	}
}
