package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestSignalEndsReading: a person who has forgotten the payload ends the waiting for it with Ctrl-C.
func TestSignalEndsReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in, out := io.Pipe()
	defer func() { _ = out.Close() }()
	if _, err := readAll(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if text, err := readAll(t.Context(), strings.NewReader("x")); string(text) != "x" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestAnswerEndsEarly: when the gateway ends the answer while the input is quiet, the publisher ends at once and not with
// the next line.
func TestAnswerEndsEarly(t *testing.T) {
	times := make(chan time.Time)
	r := &receiver{client: &publishClient{}, times: times}
	if err := r.run(strings.NewReader("")); err == nil {
		t.Error("got success although there is more input")
	}
	close(times)
	if err := r.run(strings.NewReader("")); err != nil {
		t.Errorf("got %v after the end of the input", err)
	}
}
