package wire

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// requestFor returns a parsed request for /sse with a query and field lines.
func requestFor(t testing.TB, query, fields string) *Request {
	t.Helper()
	r := new(Request)
	if n, err := ParseRequest([]byte("GET /sse?"+query+" HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n"), testLimit, r); n == 0 || err != nil {
		t.Fatalf("query %q: got %d, %v, want a complete head", query, n, err)
	}
	return r
}

func TestParseSubscribe(t *testing.T) {
	for _, tc := range []struct {
		name, query, fields string
		want                Subscribe
	}{
		{"nothing", "", "", Subscribe{Last: -1}},
		{"one topic", "topic=price.ACME", "", Subscribe{Topics: []string{"price.ACME"}, Last: -1}},
		{"several, in order", "topic=b&topic=a.*&topic=c.%3e&topic=b", "", Subscribe{Topics: []string{"b", "a.*", "c.>", "b"}, Last: -1}},
		{"escapes", "topic=%e2%82%AC&t%6fpic=a+b%2Bc%3D%26", "", Subscribe{Topics: []string{"€", "a b+c=&"}, Last: -1}},
		{"value with an equals sign", "topic=a=b", "", Subscribe{Topics: []string{"a=b"}, Last: -1}},
		{"empty pairs", "&topic=a&&", "", Subscribe{Topics: []string{"a"}, Last: -1}},
		{"last", "last=5", "", Subscribe{Last: 5}},
		{"last nothing", "last=0", "", Subscribe{Last: 0}},
		{"lastEventId", "lastEventId=5f3a-42", "", Subscribe{Last: -1, LastEventID: "5f3a-42"}},
		{"since", "since=5f3a-42", "", Subscribe{Last: -1, LastEventID: "5f3a-42"}},
		{"field", "", "Last-Event-ID: 5f3a-43\r\n", Subscribe{Last: -1, LastEventID: "5f3a-43"}},
		{"the field is newer", "lastEventId=5f3a-42&last=3", "Last-Event-ID: 5f3a-43\r\n", Subscribe{Last: 3, LastEventID: "5f3a-43"}},
		{"an empty field says nothing", "lastEventId=5f3a-42", "Last-Event-ID:\r\n", Subscribe{Last: -1, LastEventID: "5f3a-42"}},
		{"empty id", "lastEventId=", "", Subscribe{Last: -1}},
		{"rate", "max_rate=2/s", "", Subscribe{Last: -1, Interval: 500 * time.Millisecond}},
		{"rate, escaped", "max_rate=2%2Fs", "", Subscribe{Last: -1, Interval: 500 * time.Millisecond}},
		{"token", "access_token=a.b.c", "", Subscribe{Last: -1, AccessToken: "a.b.c"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Subscribe{Topics: []string{"left", "over"}, LastEventID: "left", AccessToken: "over", Interval: 1}
			if err := ParseSubscribe(requestFor(t, tc.query, tc.fields), &got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Topics, tc.want.Topics) {
				t.Errorf("got topics %q, want %q", got.Topics, tc.want.Topics)
			}
			got.Topics, tc.want.Topics = nil, nil
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestParseSubscribeRefuses(t *testing.T) {
	for _, tc := range []struct{ name, query, message string }{
		{"unknown", "topic=a&foo=1", "unknown parameter foo"},
		{"unknown without value", "Topic", "unknown parameter Topic"},
		{"unknown and long", strings.Repeat("x", 500), "unknown parameter " + strings.Repeat("x", 64)},
		{"no name", "=a", "unknown parameter "},
		{"empty topic", "topic=", "an empty topic"},
		{"topic without value", "topic", "an empty topic"},
		{"two lasts", "last=1&last=1", "repeated parameter last"},
		{"two ids", "lastEventId=a&since=a", "repeated parameter since"},
		{"two rates", "max_rate=2/s&max_rate=2/s", "repeated parameter max_rate"},
		{"two tokens", "access_token=a&access_token=a", "repeated parameter access_token"},
		{"last of nothing", "last=", "last is not"},
		{"negative last", "last=-1", "last is not"},
		{"signed last", "last=%2B1", "last is not"},
		{"last in words", "last=all", "last is not"},
		{"last beyond bounds", "last=1000000000", "last is not"},
		{"escape cut off", "topic=a%2", "a malformed value of parameter topic"},
		{"escape at the end", "topic=a%", "a malformed value of parameter topic"},
		{"escape not hexadecimal", "topic=%zz", "a malformed value of parameter topic"},
		{"escape with a sign", "topic=%+1", "a malformed value of parameter topic"},
		{"malformed name", "%zz=1", "a malformed parameter name"},
		{"NUL", "topic=a%00", "a malformed value of parameter topic"},
		{"line end", "lastEventId=a%0d%0aX:", "a malformed value of parameter lastEventId"},
		{"DEL", "topic=%7f", "a malformed value of parameter topic"},
		{"not UTF-8", "topic=%ff", "a malformed value of parameter topic"},
		{"overlong UTF-8", "topic=%c0%af", "a malformed value of parameter topic"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s Subscribe
			err := ParseSubscribe(requestFor(t, tc.query, ""), &s)
			var he *HTTPError
			if !errors.As(err, &he) || he.Status != 400 || he.Code != "bad_parameter" || !strings.HasPrefix(he.Message, tc.message) {
				t.Errorf("got %v, want 400 bad_parameter: %s", err, tc.message)
			}
		})
	}
	var s Subscribe
	if err := ParseSubscribe(requestFor(t, "", "Last-Event-ID: \xff\r\n"), &s); err == nil {
		t.Error("Last-Event-ID that is not UTF-8: got no error")
	}
}

func TestParseSubscribeRefusesRates(t *testing.T) {
	var s Subscribe
	var he *HTTPError
	err := ParseSubscribe(requestFor(t, "topic=a&max_rate=2", ""), &s)
	if !errors.As(err, &he) || he.Status != 400 || he.Code != "bad_max_rate" || !strings.HasPrefix(he.Message, "max_rate is 2 and not a rate") {
		t.Errorf("got %v, want 400 bad_max_rate", err)
	}
}

// FuzzParseSubscribe: what we accept, net/url decodes alike.
func FuzzParseSubscribe(f *testing.F) {
	f.Add("topic=price.ACME&topic=fx.*&last=3")
	f.Add("topic=%e2%82%AC+%2B&lastEventId=5f3a-42&access_token=x")
	f.Add("topic=a&max_rate=2%2Fs")
	f.Fuzz(func(t *testing.T, query string) {
		r := &Request{RawQuery: []byte(query)}
		var s Subscribe
		if ParseSubscribe(r, &s) != nil || strings.Contains(query, ";") {
			return // net/url refuses semicolons; they never separated anything here
		}
		std, err := url.ParseQuery(query)
		if err != nil {
			t.Fatalf("accepted %q, which net/url refuses: %v", query, err)
		}
		if !slices.Equal(s.Topics, std["topic"]) || s.AccessToken != std.Get("access_token") || s.LastEventID != std.Get("lastEventId")+std.Get("since") {
			t.Fatalf("%q: got %+v, want %v as net/url", query, s, std)
		}
	})
}

func BenchmarkParseSubscribe(b *testing.B) {
	r, s := requestFor(b, "topic=price.ACME&last=1", ""), Subscribe{}
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseSubscribe(r, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseSubscribeAllocs(t *testing.T) {
	r, s := requestFor(t, "last=1", ""), Subscribe{}
	zeroAllocs(t, "default topic", func() { _ = ParseSubscribe(r, &s) })
}
