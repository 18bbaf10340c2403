package prefork_test

import (
	"strings"
	"testing"

	"tickgate/internal/prefork"
)

func TestOutput(t *testing.T) {
	var out strings.Builder
	s := ready(t, orders{}, prefork.Config{Workers: 2, Output: &out})
	long := strings.Repeat("x", 100_000)
	for i, text := range []string{"one\ntwo\n\nthree", long + "\n"} {
		resp, err := s.Workers()[i].Client().Post(prefork.BaseURL+"/print", "text/plain", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	pieces := map[byte]string{}
	for line := range strings.Lines(out.String()) {
		text, ok := strings.CutPrefix(line, "worker ")
		if !ok || text[1:3] != ": " || !strings.HasSuffix(text, "\n") {
			t.Fatalf("got line %.40q, want it to begin with the worker", line)
		}
		pieces[text[0]] += text[3:]
	}
	if got, want := pieces['0'], "one\ntwo\n\nthree\n"; got != want {
		t.Errorf("worker 0: got %q, want %q", got, want)
	}
	if got := strings.ReplaceAll(pieces['1'], "\n", ""); got != long {
		t.Errorf("worker 1: got %d bytes, want %d in pieces", len(got), len(long))
	}
}
