package config

import (
	"encoding"
	"fmt"
	"testing"
)

// What a value prints is what it is read from.
func TestRoundTrip(t *testing.T) {
	type value interface {
		encoding.TextUnmarshaler
		fmt.Stringer
	}
	for _, tt := range []struct {
		into       value
		text, want string
	}{
		{new(Size), "64KiB", "64KiB"},
		{new(Size), "1MB", "1000000B"},
		{new(Size), "65536", "64KiB"},
		{new(Size), "1.5 kib", "1536B"},
		{new(Size), "2GiB", "2GiB"},
		{new(Size), "0", "0B"},
		{new(Workers), "auto", "auto"},
		{new(Workers), "3", "3"},
		{new(Source), "replay:a:b", "replay:a:b"},
		{new(Source), "sim", "sim"},
		{new(Sync), "always", "always"},
		{new(Sync), "60s", "1m"},
		{new(URLs), "a:1, tls://u:p@b ,", "nats://a:1,tls://***@b"},
	} {
		if err := tt.into.UnmarshalText([]byte(tt.text)); err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
		if got := tt.into.String(); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"nats://user:secret@host:4222":    "nats://***@host:4222",
		"nats://tok@n@host":               "nats://***@host",
		"user:secret@host":                "***@host",
		"nats://a,tls://u:%zz@b":          "nats://a,tls://***@b",
		"http://u:secret@h:1:2,plain:422": "http://***@h:1:2,plain:422",
	} {
		if got := redact(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "log-level", "ring"}
	for name, want := range map[string]string{"listn": "listen", "": "ring", "loglevel": "log-level", "rings": "ring"} {
		if got, _ := nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got := editDistance("kitten", "sitting"); got != 3 {
		t.Errorf("kitten, sitting: got %d, want 3", got)
	}
}
