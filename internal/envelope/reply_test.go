package envelope

import (
	"encoding/json"
	"testing"
	"time"
)

func TestReplies(t *testing.T) {
	refused := &Error{Code: Forbidden, Message: `not "a"`}
	for _, tc := range []struct {
		name string
		got  []byte
		want string
	}{
		{"subscribed", AppendSubscriptions(nil, 1, 3, "e-7"), `{"t":"ok","ref":1,"topics":3,"id":"e-7"}`},
		{"resumed", AppendSubscriptions(nil, 0, 0, ""), `{"t":"ok","ref":0,"topics":0}`},
		{"stored", AppendStored(nil, 9007199254740991, "e-7", true), `{"t":"ok","ref":9007199254740991,"id":"e-7","duplicate":true}`},
		{"refused", AppendError(nil, 2, refused), `{"t":"error","ref":2,"code":"forbidden","message":"not \"a\""}`},
		{"refused without ref", AppendError(nil, NoRef, refused), `{"t":"error","code":"forbidden","message":"not \"a\""}`},
		{"gap", AppendGap(nil, Gap{Topic: "a", Requested: "e-1\n", Oldest: "e-7"}), `{"t":"gap","topic":"a","requested":"e-1\n","oldest":"e-7"}`},
		{"expiring", AppendExpiring(nil, 30*time.Second), `{"t":"expiring","in_ms":30000}`},
		{"expired", AppendExpiring(nil, -time.Second), `{"t":"expiring","in_ms":0}`},
	} {
		if string(tc.got) != tc.want || !json.Valid(tc.got) {
			t.Errorf("%s: got %s, want %s", tc.name, tc.got, tc.want)
		}
	}
}

func TestEncodersAllocs(t *testing.T) {
	dst := make([]byte, 0, 4096)
	m := &Message{Topic: "price.ACME", ID: "dn0zj7w25p6b-7", Event: "trade", Payload: []byte(tick)}
	binary := &Message{Topic: "price.ACME", ID: "dn0zj7w25p6b-7", Payload: []byte("\xff\x00")}
	for name, f := range map[string]func(){
		"message":       func() { dst = AppendMessage(dst[:0], m) },
		"binary":        func() { dst = AppendMessage(dst[:0], binary) },
		"subscriptions": func() { dst = AppendSubscriptions(dst[:0], 1, 1, "e-7") },
		"stored":        func() { dst = AppendStored(dst[:0], 1, "e-7", false) },
		"gap":           func() { dst = AppendGap(dst[:0], Gap{Topic: "a"}) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 && !raceEnabled { // json.Valid keeps its scanners in a sync.Pool, which forgets some under the race detector
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	}
}

func BenchmarkAppendMessage(b *testing.B) {
	dst := make([]byte, 0, 4096)
	m := &Message{Topic: "price.ACME", ID: "dn0zj7w25p6b-7", Event: "trade", Payload: []byte(tick)}
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMessage(dst[:0], m)
	}
}
