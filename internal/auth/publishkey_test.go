package auth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParsePublishKeys(t *testing.T) {
	for _, tc := range []struct{ name, in, err string }{
		{"nothing", "", ""},
		{"only remarks", "# keys, all of them\n\n  # more\n", ""},
		{"file", "# keys\nci:0123456789abcdef-ci:x\r\nfeed:0123456789abcdef-feed\n", ""},
		{"environment", "ci:0123456789abcdef-ci:x, feed:0123456789abcdef-feed", ""},
		{"no name", "ci:0123456789abcdef-ci:x\n0123456789hushhush", "line 2: no name"},
		{"empty name", ":0123456789hushhush-feed", "line 1: no name"},
		{"short", "feed:hush", `the key "feed" has 4 bytes, at least 20 are needed`},
		{"patterns", "feed:0123456789abcdef-feed price.* fx.>,ci:0123456789abcdef-ci:x\tchat.room", ""},
		{"white space", "feed:0123456789 hush hush hush", `the key "feed" has 10 bytes, at least 20 are needed, without white space`},
		{"no pattern", "ci:0123456789abcdef-ci:x\nfeed:0123456789abcdef-feed price.* hush..hush", `line 2: behind the key "feed", which ends at white space`},
		{"too many patterns", "feed:0123456789abcdef-feed" + strings.Repeat(" a", 257), "up to 256 patterns"},
		{"name twice", "ci:0123456789abcdef-hush\nci:0123456789abcdef-hush2", "an earlier one"},
		{"key twice", "ci:0123456789abcdef-hush\nfeed:0123456789abcdef-hush", "an earlier one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := ParsePublishKeys(tc.in)
			if (err == nil) != (tc.err == "") || err != nil && (!p.Empty() || !errors.Is(err, ErrPublishKeys)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("got %v, want %q and no key", err, tc.err)
			}
		})
	}
}

func TestPublishKeysMatch(t *testing.T) {
	p, err := ParsePublishKeys("ci:0123456789abcdef-ci:x\nfeed:0123456789abcdef-feed")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"0123456789abcdef-ci:x":         "ci",
		"0123456789abcdef-feed":         "feed",
		"0123456789abcdef-fee":          "",
		"0123456789abcdef-feedx":        "",
		"0123456789ABCDEF-FEED":         "",
		"feed:0123456789abcdef-feed":    "",
		"feed":                          "",
		"":                              "",
		strings.Repeat("x", MaxToken+1): "",
	} {
		got := ""
		if k := p.Match(NewToken(key)); k != nil {
			got = k.Name()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
	if (PublishKeys{}).Match(NewToken("")) != nil {
		t.Error("got a match among no keys, want none")
	}
}

// A key grants what the patterns behind it select, and all topics if there are none.
func TestPublishKeysGrant(t *testing.T) {
	p, err := ParsePublishKeys("all:0123456789abcdef-all\nsome:0123456789abcdef-some price.*  fx.>\n")
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]bool{"price.A": true, "fx.EUR.bid": true, "price": false, "price.A.bid": false, "orders": false} {
		if got := p.Match(NewToken("0123456789abcdef-some")).MayPublish(topic); got != want {
			t.Errorf("%s: got %v, want %v", topic, got, want)
		}
		if !p.Match(NewToken("0123456789abcdef-all")).MayPublish(topic) {
			t.Errorf("%s: got no grant of a key without patterns", topic)
		}
	}
}

func TestLoadPublishKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := LoadPublishKeys(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want not exist", err)
	}
	if err := os.WriteFile(path, []byte("\n\nfeed:short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPublishKeys(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, want the path and line 3", err)
	}
	if err := os.WriteFile(path, []byte("feed:0123456789abcdef-feed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := LoadPublishKeys(path); err != nil || p.Empty() {
		t.Errorf("got %v, %v, want a key", p, err)
	}
}
