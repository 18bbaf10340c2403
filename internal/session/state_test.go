package session

import (
	"reflect"
	"testing"
	"unsafe"

	"tickgate/internal/epoll"
)

// What 100,000 connections cost in memory is decided here: the slab is made of nothing else, and without pointers in
// it the garbage collector never looks at it.
func TestSizeOfAnIdleConnection(t *testing.T) {
	if got := unsafe.Sizeof(State{}); got > 48 {
		t.Errorf("State: got %d bytes, want at most 48", got)
	}
	if got := unsafe.Sizeof(epoll.Conn[State]{}); got > 128 {
		t.Errorf("connection with its State: got %d bytes, want at most 128", got)
	}
	if path := pointerIn(reflect.TypeFor[epoll.Conn[State]]()); path != "" {
		t.Errorf("connection: got a pointer in %s, want none", path)
	}
}

// pointerIn returns where t holds a pointer, "" if nowhere.
func pointerIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Array:
		return pointerIn(t.Elem())
	case reflect.Struct:
		for f := range t.NumField() {
			if path := pointerIn(t.Field(f).Type); path != "" {
				return t.Field(f).Name + " " + path
			}
		}
		return ""
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return ""
	}
	return t.String()
}

// Labels are part of the metrics page: each value has one, and no two the same.
func TestLabels(t *testing.T) {
	seen := map[string]bool{}
	label := func(s string) {
		if s == "" || s == "user" || s == "none" || seen[s] {
			t.Errorf("label: got %q, want one of its own", s)
		}
		seen[s] = true
	}
	for r := epoll.PeerClosed; r <= epoll.Stopped; r++ {
		label(ReasonName(r))
	}
	for r := Answered; r < reasons; r++ {
		label(ReasonName(r))
	}
	clear(seen)
	for tr := range transports {
		label(tr.String())
	}
	for p := range phases {
		label(p.String())
	}
	var s Snapshot
	s.Sessions[SSE][Open], s.Handshakes[WebSocket] = 3, 5
	got := map[string]int{}
	s.EachSession(func(tr Transport, p Phase, n int) { got[tr.String()+"/"+p.String()] += n })
	s.EachHandshake(func(tr Transport, n uint64) { got[tr.String()] += int(n) })
	if len(got) != int(transports)*int(phases)+int(transports)-1 || got["sse/open"] != 3 || got["ws"] != 5 {
		t.Errorf("snapshot: got %v, want all transports and phases", got)
	}
}
