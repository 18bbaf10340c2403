package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tickgate/internal/auth"
	"tickgate/internal/config"
	"tickgate/internal/publish"
)

const testKey = "0123456789abcdef0123456789abcdef"

// TestAuthorizer: keys count wherever the listener is, and without them only loopback does.
func TestAuthorizer(t *testing.T) {
	keys, err := auth.ParsePublishKeys("ci:" + testKey)
	if err != nil {
		t.Fatal(err)
	}
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	network := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for _, tt := range []struct {
		name     string
		keys     auth.PublishKeys
		listener net.Addr
		fields   []string
		status   int // 0: may publish
	}{
		{"no keys, loopback", auth.PublishKeys{}, loopback, nil, 0},
		{"no keys, network", auth.PublishKeys{}, network, []string{"Bearer " + testKey}, http.StatusForbidden},
		{"key, loopback", keys, loopback, []string{"Bearer " + testKey}, 0},
		{"key, network", keys, network, []string{"Bearer " + testKey}, 0},
		{"none, loopback", keys, loopback, nil, http.StatusUnauthorized},
		{"none, network", keys, network, nil, http.StatusUnauthorized},
		{"wrong", keys, loopback, []string{"Bearer " + testKey + "0"}, http.StatusUnauthorized},
		{"its name", keys, loopback, []string{"Bearer ci"}, http.StatusUnauthorized},
		{"empty", keys, loopback, []string{"Bearer "}, http.StatusUnauthorized},
		{"two", keys, loopback, []string{"Bearer " + testKey, "Bearer x"}, http.StatusUnauthorized},
		{"another scheme", keys, loopback, []string{"Basic " + testKey}, http.StatusUnauthorized},
	} {
		a := authority{keys: func() *auth.PublishKeys { return &tt.keys }, topics: func() *config.Topics { return new(config.Topics) }}
		grant, err := a.at(tt.listener).Authorize(&http.Request{Header: http.Header{"Authorization": tt.fields}})
		var refusal *publish.Refusal
		switch {
		case tt.status == 0 && (err != nil || !grant("price.ACME")):
			t.Errorf("%s: got %v, want a grant", tt.name, err)
		case tt.status != 0 && (!errors.As(err, &refusal) || refusal.Status != tt.status):
			t.Errorf("%s: got %v, want status %d", tt.name, err, tt.status)
		case err != nil && strings.Contains(err.Error(), testKey):
			t.Errorf("%s: got %q, which shows the key", tt.name, err)
		}
	}
}

// TestRulesRestrictPublishers: what the rules say now counts, for keys by their names, and for whoever needs none.
func TestRulesRestrictPublishers(t *testing.T) {
	keys, err := auth.ParsePublishKeys("ci:" + testKey)
	if err != nil {
		t.Fatal(err)
	}
	var topics config.Topics
	for _, tt := range []struct {
		name   string
		keys   auth.PublishKeys
		fields []string
		who    string
	}{
		{"key", keys, []string{"Bearer " + testKey}, "ci"},
		{"open", auth.PublishKeys{}, nil, config.PublishAnonymous},
	} {
		topics.Rules = nil
		a := authority{keys: func() *auth.PublishKeys { return &tt.keys }, topics: func() *config.Topics { return &topics }}
		grant, err := a.at(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}).Authorize(&http.Request{Header: http.Header{"Authorization": tt.fields}})
		if err != nil || !grant("orders.1") {
			t.Fatalf("%s: got %v, want a grant without rules", tt.name, err)
		}
		topics.Rules = config.Rules{{Pattern: "orders.*", Publish: []string{"other"}}, {Pattern: "price.*", Publish: []string{tt.who}}}
		if grant("orders.1") || !grant("price.ACME") || !grant("fx") {
			t.Errorf("%s: got grants for orders.1 %v, price.ACME %v, fx %v; want only the latter two", tt.name, grant("orders.1"), grant("price.ACME"), grant("fx"))
		}
	}
}

// TestKeysAreReadAgain: what a key grants holds from then on, also for a pipeline that is under way; one that is gone grants
// nothing.
func TestKeysAreReadAgain(t *testing.T) {
	var now atomic.Pointer[auth.PublishKeys]
	set := func(text string) {
		keys, err := auth.ParsePublishKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		now.Store(&keys)
	}
	a := authority{keys: now.Load, topics: func() *config.Topics {
		return &config.Topics{Rules: config.Rules{{Pattern: "price.B", Publish: []string{"ci"}}}}
	}}
	set("ci:" + testKey + " price.*")
	grant, err := a.at(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}).Authorize(&http.Request{Header: http.Header{"Authorization": {"Bearer " + testKey}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		keys              string
		price, priceB, fx bool
	}{
		{"ci:" + testKey + " price.*", true, true, false},
		{"ci:" + testKey + " fx.*", false, false, true},
		{"desk:" + testKey, true, false, true},
		{"ci:0" + testKey, false, false, false},
		{"ci:" + testKey, true, true, true},
	} {
		set(step.keys)
		if p, b, fx := grant("price.A"), grant("price.B"), grant("fx.EUR"); p != step.price || b != step.priceB || fx != step.fx {
			t.Errorf("%s: got grants for price.A %v, price.B %v, fx.EUR %v", step.keys, p, b, fx)
		}
	}
}

// TestWarnOfStrangers: a rule that names a key that is not there would be hard to find.
func TestWarnOfStrangers(t *testing.T) {
	keys, err := auth.ParsePublishKeys("ci:" + testKey)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	rules := config.Rules{{Pattern: "a", Publish: []string{"ci", config.PublishTokens, config.PublishNone, config.PublishAnonymous}}, {Pattern: "b", Publish: []string{"desk"}}}
	warnOfStrangers(rules, &keys, slog.New(slog.NewTextHandler(&log, nil)))
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "rule=b name=desk") {
		t.Errorf("got log %q, want a warning of desk and no other", got)
	}
}

// TestLoadKeys: a file that cannot serve is an error that names it, and never a key; one that others can read is a warning.
func TestLoadKeys(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		err, log   string
	}{
		{"good", "# ours\nci:" + testKey + "\n", 0o600, "", ""},
		{"open", "ci:" + testKey, 0o644, "", "chmod"},
		{"empty", "\n# none yet\n", 0o600, "has no keys", ""},
		{"nameless", testKey, 0o600, "line 1", ""},
		{"short", "ci:0123", 0o600, "openssl rand", ""},
	} {
		file := filepath.Join(dir, tt.name)
		if err := os.WriteFile(file, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, tt.mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		var log bytes.Buffer
		keys, err := loadKeys(file, slog.New(slog.NewTextHandler(&log, nil)))
		if tt.err == "" && (err != nil || keys.Empty()) {
			t.Errorf("%s: got %v, want keys", tt.name, err)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%s: got %v, want %q and the file", tt.name, err, tt.err)
		}
		if (tt.log == "") != (log.Len() == 0) || !strings.Contains(log.String(), tt.log) {
			t.Errorf("%s: got log %q, want %q", tt.name, log.String(), tt.log)
		}
		if err != nil && strings.Contains(err.Error(), testKey) || strings.Contains(log.String(), testKey) {
			t.Errorf("%s: got %v and log %q, which show the key", tt.name, err, log.String())
		}
	}
	if _, err := loadKeys(filepath.Join(dir, "none"), slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a missing file", err)
	}
	if keys, err := loadKeys("", slog.New(slog.DiscardHandler)); err != nil || !keys.Empty() {
		t.Errorf("got %v without the flag", err)
	}
}
