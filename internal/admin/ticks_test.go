package admin

import (
	"encoding/json"
	"net/http"
	"testing"
)

// Each worker has its record, with its name in front, or its error; the query reaches them.
func TestTicks(t *testing.T) {
	record := func(name string) Worker {
		return Local(name, WorkerHandler(Process{Metrics: page(""), Ticks: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"now":` + r.FormValue("since") + `,"messages":[]}`))
		})}))
	}
	empty := Local("2", WorkerHandler(Process{Metrics: page(""), Ticks: page("{}")}))
	none := Local("supervisor", WorkerHandler(Process{Metrics: page("")}))
	_, base := start(t, Config{}, record("0"), record("1"), empty, none)
	resp, body := get(t, base+"/debug/ticks?since=17")
	want := `{"processes":[{"worker":"0","now":17,"messages":[]},{"worker":"1","now":17,"messages":[]},{"worker":"2"},` +
		`{"worker":"supervisor","error":"worker supervisor: 404 Not Found: 404 page not found"}]}` + "\n"
	if resp.StatusCode != http.StatusOK || body != want || !json.Valid([]byte(body)) {
		t.Errorf("got %d %s, want %s", resp.StatusCode, body, want)
	}
}
