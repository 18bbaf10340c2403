package lab_test

import (
	"strings"
	"testing"

	"tickgate/internal/lab"
)

func TestWithMeasured(t *testing.T) {
	source := []byte(lab.Reference)
	const text = "Yes: +3 % [1, 5].\nNo: a # and a \"quote\"."
	changed, err := lab.WithMeasured(source, text)
	if err != nil {
		t.Fatal(err)
	}
	exp, err := lab.Parse("reference", changed)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(exp.Measured); got != text {
		t.Errorf("got measured %q, want %q", got, text)
	}
	if !lab.SameQuestion(source, changed) {
		t.Error("got another question, want the same with a result")
	}
	again, err := lab.WithMeasured(changed, "otherwise")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(again), "quote") || !strings.Contains(string(again), "\nnetwork:") {
		t.Errorf("got %s, want the old result replaced and nothing else", again)
	}
	if other := []byte(strings.Replace(lab.Reference, "slow clients?", "fast clients?", 1)); lab.SameQuestion(source, other) {
		t.Error("got the same question, want another")
	}
	if _, err := lab.WithMeasured([]byte("question: q\n"), text); err == nil {
		t.Error("got no error, want one: there is no line to be filled in")
	}
}
