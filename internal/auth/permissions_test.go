package auth

import (
	"strings"
	"testing"
)

func TestPermissions(t *testing.T) {
	p, err := NewPermissions([]string{"price.*", "fx.*", "fx.*.>"}, []string{"chat.>", "log"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		what               string
		subscribe, publish bool
	}{
		{"price.ACME", true, false},
		{"price.*", true, false},
		{"price.>", false, false}, // overlaps only
		{"*.ACME", false, false},
		{">", false, false},
		{"fx.>", true, false}, // two grants together
		{"chat.room", false, true},
		{"chat.*", false, false}, // nobody publishes to a pattern
		{"chat.>", false, false},
		{"log", false, true},
		{"log.x", false, false},
		{"", false, false},
		{"price.", false, false},
		{"price.A B", false, false},
		{"price." + strings.Repeat("x", 200), false, false},
	} {
		if got := p.MaySubscribe(tc.what); got != tc.subscribe {
			t.Errorf("subscribe %q: got %v, want %v", tc.what, got, tc.subscribe)
		}
		if got := p.MayPublish(tc.what); got != tc.publish {
			t.Errorf("publish %q: got %v, want %v", tc.what, got, tc.publish)
		}
	}
	if none := (Permissions{}); none.MaySubscribe("a") || none.MayPublish("a") || !none.None() || p.None() {
		t.Error("got something granted by the zero value, want nothing")
	}
}

func TestPermissionsAreCopied(t *testing.T) {
	list := []string{"a"}
	p, err := NewPermissions(list, list)
	list[0] = ">"
	if err != nil || p.MaySubscribe("b") || p.MayPublish("b") {
		t.Errorf("got b granted, %v, want only a", err)
	}
}

func TestAnonymous(t *testing.T) {
	v, err := Anonymous([]string{">"}, nil)
	if err != nil || !v.Expires.IsZero() || !v.Permissions.MaySubscribe(">") || v.Permissions.MayPublish("a") {
		t.Errorf("got %v, %v, want to subscribe to everything for ever", v, err)
	}
	if _, err := Anonymous([]string{"a", "price.A*"}, nil); err == nil || !strings.Contains(err.Error(), "price.A*") {
		t.Errorf("got %v, want the malformed pattern named", err)
	}
}
