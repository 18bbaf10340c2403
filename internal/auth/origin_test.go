package auth

import "testing"

func TestOrigins(t *testing.T) {
	for _, tc := range []struct {
		name           string
		list           []string
		origin         string
		allows, trusts bool
	}{
		{"no list", nil, "https://evil.example", true, false},
		{"everybody", []string{"*"}, "https://evil.example", true, false},
		{"listed beside everybody", []string{"*", "https://a.example"}, "https://a.example", true, true},
		{"listed", []string{"https://a.example"}, "https://a.example", true, true},
		{"not listed", []string{"https://a.example"}, "https://b.example", false, false},
		{"another scheme", []string{"https://a.example"}, "http://a.example", false, false},
		{"another port", []string{"https://a.example"}, "https://a.example:8443", false, false},
		{"port", []string{"http://localhost:3000"}, "http://localhost:3000", true, true},
		{"opaque", []string{"https://a.example"}, "null", false, false},
		{"empty", []string{"https://a.example"}, "", false, false},
		{"longer", []string{"https://a.example"}, "https://a.example.evil.example", false, false},
		{"below", []string{"https://*.a.example"}, "https://x.a.example", true, true},
		{"far below", []string{"https://*.a.example"}, "https://y.x.a.example", true, true},
		{"below with a port", []string{"https://*.a.example:8443"}, "https://x.a.example:8443", true, true},
		{"below without the port", []string{"https://*.a.example:8443"}, "https://x.a.example", false, false},
		{"the domain itself", []string{"https://*.a.example"}, "https://a.example", false, false},
		{"an empty label", []string{"https://*.a.example"}, "https://.a.example", false, false},
		{"a name that only ends alike", []string{"https://*.a.example"}, "https://evila.example", false, false},
		{"a path in between", []string{"https://*.a.example"}, "https://evil.example/.a.example", false, false},
		{"a user in between", []string{"https://*.a.example"}, "https://x@y.a.example", false, false},
		{"below with another scheme", []string{"https://*.a.example"}, "http://x.a.example", false, false},
	} {
		o := NewOrigins(tc.list)
		if got := o.Allows(tc.origin); got != tc.allows {
			t.Errorf("%s: Allows: got %t, want %t", tc.name, got, tc.allows)
		}
		if got := o.Trusts(tc.origin); got != tc.trusts {
			t.Errorf("%s: Trusts: got %t, want %t", tc.name, got, tc.trusts)
		}
	}
}
