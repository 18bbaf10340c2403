package auth

import (
	"errors"
	"net/http"
	"testing"

	"tickgate/internal/wire"
)

func TestFromRequest(t *testing.T) {
	for _, tc := range []struct {
		name   string
		query  string
		fields string
		token  string
		source Source
		err    error
	}{
		{"nothing", "", "", "", NoSource, nil},
		{"header", "", "Authorization: Bearer aaa\r\n", "aaa", FromHeader, nil},
		{"header in any case", "", "AUTHORIZATION:  bEARER   aaa \r\n", "aaa", FromHeader, nil},
		{"query", "?access_token=bbb", "", "bbb", FromQuery, nil},
		{"query with topics", "?topic=a&access_token=b%2Db&topic=c", "", "b-b", FromQuery, nil},
		{"cookie", "", "Cookie: token=ccc\r\n", "ccc", FromCookie, nil},
		{"cookie among others", "", "Cookie: a=b; token=ccc; xtoken=d; token2=e\r\n", "ccc", FromCookie, nil},
		{"cookie in quotes", "", "Cookie: token=\"ccc\"\r\n", "ccc", FromCookie, nil},
		{"cookie in a second field", "", "Cookie: a=b\r\nCookie: token=ccc\r\n", "ccc", FromCookie, nil},
		{"cookie's name has case", "", "Cookie: Token=ccc\r\n", "", NoSource, nil},
		{"deleted cookie", "", "Cookie: token=\r\n", "", NoSource, nil},

		{"header before cookie", "", "Cookie: token=ccc\r\nAuthorization: Bearer aaa\r\n", "aaa", FromHeader, nil},
		{"query before cookie", "?access_token=bbb", "Cookie: token=ccc\r\n", "bbb", FromQuery, nil},
		{"header and query alike", "?access_token=aaa", "Authorization: Bearer aaa\r\n", "aaa", FromHeader, nil},
		{"another scheme", "?access_token=bbb", "Authorization: Basic YTpi\r\n", "bbb", FromQuery, nil},
		{"another scheme beside", "", "Authorization: Basic YTpi\r\nAuthorization: Bearer aaa\r\n", "aaa", FromHeader, nil},
		{"same cookie twice", "", "Cookie: token=ccc; token=ccc\r\n", "ccc", FromCookie, nil},

		{"header and query differ", "?access_token=bbb", "Authorization: Bearer aaa\r\n", "", NoSource, ErrConflict},
		{"two headers", "", "Authorization: Bearer aaa\r\nAuthorization: Bearer bbb\r\n", "", NoSource, ErrConflict},
		{"two cookies", "", "Cookie: token=ccc; token=ddd\r\n", "", NoSource, ErrConflict},
		{"two cookie fields", "", "Cookie: token=ccc\r\nCookie: token=ddd\r\n", "", NoSource, ErrConflict},
		{"Bearer alone", "", "Authorization: Bearer\r\n", "", NoSource, ErrMalformed},
		{"Bearer alone, cookie", "", "Authorization: Bearer \r\nCookie: token=ccc\r\n", "", NoSource, ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, s := request(t, "GET /sse"+tc.query+" HTTP/1.1\r\nHost: a\r\n"+tc.fields+"\r\n")
			got, err := FromRequest(r, s, "token")
			if got.Token.Reveal() != tc.token || got.Source != tc.source || !errors.Is(err, tc.err) {
				t.Errorf("got %q from %d, %v, want %q from %d, %v", got.Token.Reveal(), got.Source, err, tc.token, tc.source, tc.err)
			}
		})
	}
}

func TestFromHTTP(t *testing.T) {
	for _, tc := range []struct {
		fields []string
		token  string
		err    error
	}{
		{nil, "", nil},
		{[]string{"Bearer aaa"}, "aaa", nil},
		{[]string{"bearer  aaa "}, "aaa", nil},
		{[]string{"Basic YTpi"}, "", nil},
		{[]string{"Bearer"}, "", ErrMalformed},
		{[]string{"Bearer aaa", "Bearer aaa"}, "aaa", nil},
		{[]string{"Bearer aaa", "Bearer bbb"}, "", ErrConflict},
	} {
		r := &http.Request{Header: http.Header{"Authorization": tc.fields}}
		if got, err := FromHTTP(r); got.Reveal() != tc.token || !errors.Is(err, tc.err) {
			t.Errorf("%q: got %q, %v, want %q, %v", tc.fields, got.Reveal(), err, tc.token, tc.err)
		}
	}
}

// TestFromRequestWithoutCookie: without a configured name no cookie is a token.
func TestFromRequestWithoutCookie(t *testing.T) {
	r, s := request(t, "GET /sse HTTP/1.1\r\nHost: a\r\nCookie: =ccc; token=ccc\r\n\r\n")
	if got, err := FromRequest(r, s, ""); got.Source != NoSource || err != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

// TestFromRequestAllocations: a client without a token costs nothing.
func TestFromRequestAllocations(t *testing.T) {
	r, s := request(t, "GET /sse HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nAccept: */*\r\n\r\n")
	n := testing.AllocsPerRun(100, func() {
		if _, err := FromRequest(r, s, "token"); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func request(t testing.TB, head string) (*wire.Request, *wire.Subscribe) {
	t.Helper()
	var r wire.Request
	var s wire.Subscribe
	if n, err := wire.ParseRequest([]byte(head), 1<<16, &r); err != nil || n != len(head) {
		t.Fatalf("got %d of %d bytes, %v, want a request", n, len(head), err)
	}
	if err := wire.ParseSubscribe(&r, &s); err != nil {
		t.Fatal(err)
	}
	return &r, &s
}

// FuzzFromRequest: no head crashes it, and a token comes from somewhere.
func FuzzFromRequest(f *testing.F) {
	f.Add([]byte("GET /ws?access_token=a HTTP/1.1\r\nHost: a\r\nCookie: token=\"b\r\nAuthorization: Bearer c\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		var r wire.Request
		var s wire.Subscribe
		if n, err := wire.ParseRequest(head, 1<<16, &r); err != nil || n == 0 || wire.ParseSubscribe(&r, &s) != nil {
			return
		}
		got, err := FromRequest(&r, &s, "token")
		if got.Token.IsZero() != (got.Source == NoSource) || err != nil && got.Source != NoSource {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
