package feed

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestStdin(t *testing.T) {
	for _, test := range []struct {
		name, input string
		want        []string
		tooLong     uint64
	}{
		{"nothing", "", nil, 0},
		{"lines", "one\n{\"a\": 1}\nthree\n", []string{"one", `{"a": 1}`, "three"}, 0},
		{"no end of the last line", "one\ntwo", []string{"one", "two"}, 0},
		{"CRLF and empty lines", "one\r\n\r\n\n two \r\n", []string{"one", " two "}, 0},
		{"carriage return within", "a\rb\n", []string{"a\rb"}, 0},
		{"not UTF-8", "\xff\x00\n", []string{"\xff\x00"}, 0},
		{"longest", strings.Repeat("x", 100) + "\r\nafter\n", []string{strings.Repeat("x", 100), "after"}, 0},
		{"too long", "before\n" + strings.Repeat("x", 101) + "\nafter\n", []string{"before", "after"}, 1},
		{"much too long", strings.Repeat("x", 1000) + "\nafter\n", []string{"after"}, 1},
		{"too long at the end", "before\n" + strings.Repeat("x", 1000), []string{"before"}, 1},
	} {
		for kind, reader := range map[string]func(io.Reader) io.Reader{
			"whole":     func(r io.Reader) io.Reader { return r },
			"bytewise":  iotest.OneByteReader,
			"early EOF": iotest.DataErrReader,
		} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				f, err := New(Config{Kind: Stdin, Topic: "t", Input: reader(strings.NewReader(test.input)), MaxPayload: 100})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, m := range run(t, f, -1, nil) {
					got = append(got, m.payload)
					if m.topic != "t" || time.Since(m.intended) > time.Minute {
						t.Errorf("got topic %q, intended %v", m.topic, m.intended)
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if s := f.Stats(); s.TooLong != test.tooLong || s.Published != uint64(len(test.want)) {
					t.Errorf("stats: got %+v, want %d published, %d too long", s, len(test.want), test.tooLong)
				}
			})
		}
	}
}

func TestStdinTroubles(t *testing.T) {
	broken := errors.New("broken")
	f := newLines(Config{Input: io.MultiReader(strings.NewReader("one\n"), iotest.ErrReader(broken))})
	got := 0
	err := f.Run(t.Context(), func(context.Context, string, []byte, time.Time) error {
		got++
		return errRefused
	})
	if !errors.Is(err, broken) || got != 1 {
		t.Errorf("got %d lines and %v, want 1 and %v", got, err, broken)
	}
	if s := f.Stats(); s.Failed != 1 || s.Published != 0 {
		t.Errorf("stats: got %+v, want 1 failed", s)
	}
}

// The end of the context ends a feed that waits for input.
func TestStdinEndsWithTheContext(t *testing.T) {
	in, out := io.Pipe()
	f := newLines(Config{Input: in})
	ctx, cancel := context.WithCancel(t.Context())
	published := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- f.Run(ctx, func(context.Context, string, []byte, time.Time) error {
			close(published)
			return nil
		})
	}()
	if _, err := io.WriteString(out, "one\n"); err != nil {
		t.Fatal(err)
	}
	<-published
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	case <-time.After(time.Minute):
		t.Error("Run does not return")
	}
	_ = out.Close()
}
