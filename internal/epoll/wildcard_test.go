package epoll

import "testing"

func TestWildcard(t *testing.T) {
	for _, tc := range []struct {
		addr    string
		hasIPv6 bool
		want    string
	}{
		{":8080", true, ":8080"},
		{"[::]:8080", true, ":8080"},
		{":8080", false, "0.0.0.0:8080"},
		{"[::]:8080", false, "0.0.0.0:8080"},
		{"127.0.0.1:80", false, "127.0.0.1:80"},
		{"[::1]:80", true, "[::1]:80"},
		{"localhost:80", true, "localhost:80"},
	} {
		if got := wildcard(tc.addr, tc.hasIPv6); got != tc.want {
			t.Errorf("wildcard(%q, %v): got %q, want %q", tc.addr, tc.hasIPv6, got, tc.want)
		}
	}
}
