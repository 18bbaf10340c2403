package publish

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"tickgate/internal/bus"
)

func TestSingle(t *testing.T) {
	store := &memory{}
	h, url := serve(t, Config{Publisher: store, MaxMessage: 10})
	got := post(t, url+"/v1/topics/price.ACME", "\x00binary", "Tickgate-Event", "tick", "Nats-Msg-Id", "a1")
	if got.status != http.StatusOK || got.body != `{"id":"epoch-1","duplicate":false}`+"\n" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if m := store.stored()[0]; m.Topic != "price.ACME" || string(m.Payload) != "\x00binary" || m.Event != "tick" || m.MsgID != "a1" {
		t.Errorf("got %+v as the stored message", m)
	}
	if s := h.Stats(); s.Stored != 1 {
		t.Errorf("got %+v, want 1 stored", s)
	}
}

// TestSingleEmpty: no payload is a payload, which subscribers get as it is (protocol.md).
func TestSingleEmpty(t *testing.T) {
	store := &memory{}
	_, url := serve(t, Config{Publisher: store})
	if got := post(t, url+"/v1/topics/a", ""); got.status != http.StatusOK {
		t.Errorf("got %d %s, want it to be stored", got.status, got.body)
	}
	if stored := store.stored(); len(stored) != 1 || len(stored[0].Payload) != 0 {
		t.Errorf("got %+v, want an empty message", stored)
	}
}

func TestSingleIsRefused(t *testing.T) {
	tests := []struct {
		name, path, body string
		header           []string
		err              error // of the stream
		status           int
		want             string
	}{
		{"wildcard", "a.*", "x", nil, nil, 400, `"bad_topic"`},
		{"empty token", "a..b", "x", nil, nil, 400, `"bad_topic"`},
		{"too large", "a", "12345678901", nil, nil, 413, "--max-message"},
		{"event of the gateway's own", "a", "x", []string{"Tickgate-Event", "gap"}, nil, 400, "gateway's own"},
		{"event with control characters", "a", "x", []string{"Tickgate-Event", "a\tb"}, nil, 400, "control characters"},
		{"long id", "a", "x", []string{"Nats-Msg-Id", strings.Repeat("x", 257)}, nil, 400, "257 bytes"},
		{"compressed", "a", "x", []string{"Content-Encoding", "gzip"}, nil, 415, "gzip"},
		{"overloaded", "a", "x", nil, fmt.Errorf("publish: %w", bus.ErrOverloaded), 429, `"overloaded"`},
		{"unavailable", "a", "x", nil, fmt.Errorf("publish: %w", bus.ErrUnavailable), 503, `"unavailable"`},
		{"closed", "a", "x", nil, bus.ErrClosed, 503, `"unavailable"`},
		{"disk full", "a", "x", nil, &bus.StorageError{Dir: "/secret/place", Err: errors.New("no space left")}, 507, `"storage_full"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, url := serve(t, Config{Publisher: &memory{err: tt.err}, MaxMessage: 10})
			got := post(t, url+"/v1/topics/"+tt.path, tt.body, tt.header...)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.body, tt.status, tt.want)
			}
			if retry := got.header.Get("Retry-After"); (retry != "") != (tt.status == 429 || tt.status == 503) {
				t.Errorf("got Retry-After %q with status %d", retry, got.status)
			}
			if strings.Contains(got.body, "secret") || len(h.Stats().Failed) != 1 {
				t.Errorf("got body %s and %v as counts", got.body, h.Stats().Failed)
			}
		})
	}
}

// TestAuthorize: who may not publish learns what to do, for both kinds of requests.
func TestAuthorize(t *testing.T) {
	tests := []struct {
		name   string
		auth   Authorizer
		topic  string
		status int
		want   string
	}{
		{"other machines", LoopbackOnly(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}), "a", 403, "configure keys"},
		{"no key", deny{&Refusal{Status: 401, Message: "a key is needed"}}, "a", 401, "a key is needed"},
		{"keys that are not there yet", deny{&Refusal{Status: 503, Message: "come back"}}, "a", 503, `"unavailable"`},
		{"another topic", only("b"), "a", 403, `does not grant publishing to \"a\"`},
		{"granted", only("a"), "a", 200, `"id"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, url := serve(t, Config{Publisher: &memory{}, Authorizer: tt.auth})
			got := post(t, url+"/v1/topics/"+tt.topic, "x")
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.body, tt.status, tt.want)
			}
			if (got.header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("got WWW-Authenticate %q with status %d", got.header.Get("WWW-Authenticate"), got.status)
			}
			line := post(t, url+"/v1/messages", `{"topic":"`+tt.topic+`","data":1}`)
			if !strings.Contains(line.body, tt.want) {
				t.Errorf("got %s in a pipeline, want %s", line.body, tt.want)
			}
		})
	}
}

type deny struct{ err error }

func (d deny) Authorize(*http.Request) (Grant, error) { return nil, d.err }

type only string

func (o only) Authorize(*http.Request) (Grant, error) {
	return func(topic string) bool { return topic == string(o) }, nil
}

// TestPlaces: no more messages are on their way than there are places, and a place comes back.
func TestPlaces(t *testing.T) {
	hold := make(chan struct{})
	store := &memory{hold: hold}
	_, url := serve(t, Config{Publisher: store, MaxSingles: 1, MaxStreams: 1})
	first := make(chan answer, 2)
	go func() { first <- post(t, url+"/v1/topics/a", "1") }()
	go func() { first <- post(t, url+"/v1/messages", `{"topic":"a","data":2}`) }()
	waitFor(t, "both are on their way", func() bool { return len(store.stored()) == 2 })
	for _, path := range []string{"/v1/topics/a", "/v1/messages"} {
		if got := post(t, url+path, "x"); got.status != 429 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d, Retry-After %q with no place left", path, got.status, got.header.Get("Retry-After"))
		}
	}
	close(hold)
	for range 2 {
		if got := <-first; got.status != http.StatusOK {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	if got := post(t, url+"/v1/topics/a", "3"); got.status != http.StatusOK {
		t.Errorf("got %d once there is a place again", got.status)
	}
}
