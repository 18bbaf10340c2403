package report

import (
	"strings"
	"testing"

	"tickgate/internal/load/cost"
)

func TestTableHasCost(t *testing.T) {
	run := example(t)
	run.Cost = &cost.Cost{Ends: 2, Lines: []cost.Line{
		{Name: cost.PSS, Side: cost.User, Known: true, BytesPerConn: 242, Low: 230, High: 254, Fixed: 30 << 20, Points: 40},
		{Name: cost.Live, Side: cost.User, Note: "too few samples to tell", Points: 3},
		{Name: cost.Objects, Side: cost.Kernel, Known: true, BytesPerConn: 8000, Low: 7900, High: 8100, Points: 50, Note: "grows unevenly"},
		{Name: cost.SlabPrefix + "TCP", Side: cost.Kernel, Known: true, BytesPerConn: 5044, Low: 5041, High: 5047, Points: 50},
		{Name: cost.SlabPrefix + "dentry", Side: cost.Kernel, Known: true, BytesPerConn: 300, Low: 5, High: 600, Points: 50, Reclaimable: true},
		{Name: cost.SlabPrefix + "filp", Side: cost.Kernel, Known: true, BytesPerConn: 300, Low: -5, High: 600, Points: 50},
	}}
	var b strings.Builder
	if err := New(run).WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"242 bytes [230, 254] and 30 MiB fixed (40 samples)", "too few samples to tell (3 samples)",
		"4,000 bytes [3,950, 4,050] (50 samples; grows unevenly)", "of which", "TCP 2,522\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got a table without %q:\n%s", want, b.String())
		}
	}
}
