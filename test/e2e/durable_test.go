package e2e

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestRestartKeepsMessages kills the owner of the embedded bus without warning. With --data, everything that a client has seen (and so was
// stored before) is still there afterwards, under the same ids, and numbering goes on where it stopped.
func TestRestartKeepsMessages(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			const count = 50
			dir := t.TempDir()
			flags := map[string]string{"data": dir, "feed": "stdin", "workers": workers}
			g := startGateway(t, setup{flags: flags, stdin: true})
			s := openSSE(t, "http://"+g.Addr+"/sse", nil)
			for i := range count {
				if _, err := fmt.Fprintf(g.Stdin, `{"n":%d}`+"\n", i); err != nil {
					t.Fatal(err)
				}
			}
			before := s.wait(t, count)
			checkIDs(t, before)
			g.kill(t)

			again := startGateway(t, setup{flags: flags, stdin: true})
			resumed := openSSE(t, "http://"+again.Addr+"/sse", http.Header{"Last-Event-ID": {before[0].id}})
			if _, err := io.WriteString(again.Stdin, `{"n":"new"}`+"\n"); err != nil {
				t.Fatal(err)
			}
			after := resumed.wait(t, count)
			for i, e := range after[:count-1] {
				if want := before[i+1]; e.id != want.id || e.data != want.data {
					t.Errorf("after the restart: got %s %s, want %s %s", e.id, e.data, want.id, want.data)
				}
			}
			checkIDs(t, after)
			if last := after[count-1]; last.data != `{"n":"new"}` {
				t.Errorf("got %q as the first new message", last.data)
			}
		})
	}
}

// TestRestartWithoutData: the memory store is new after a restart, and a client that comes back is told of the gap.
func TestRestartWithoutData(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	before := openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 3)
	g.kill(t)
	again := startGateway(t, setup{})
	after := openSSE(t, "http://"+again.Addr+"/sse", http.Header{"Last-Event-ID": {before[2].id}}).wait(t, 3)
	if after[0].kind != "gap" {
		t.Errorf("got %+v first, want an event: gap", after[0])
	}
	epochBefore, _ := splitID(t, before[0].id)
	epochAfter, _ := splitID(t, after[1].id)
	if epochBefore == epochAfter {
		t.Errorf("got epoch %s again from a new stream", epochAfter)
	}
	checkIDs(t, after[1:])
}

// TestResume: a client that was away continues with the message behind its last one, by header or by parameter.
func TestResume(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "50ms"}})
	url := "http://" + g.Addr + "/sse"
	first := openSSE(t, url, nil)
	before := first.wait(t, 5)
	first.close()
	watch := openSSE(t, url, nil)
	watch.wait(t, 10) // half a second passes for everybody
	tests := []struct {
		name, query string
		header      http.Header
	}{
		{"header", "", http.Header{"Last-Event-ID": {before[4].id}}},
		{"parameter", "?lastEventId=" + before[4].id, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after := openSSE(t, url+tt.query, tt.header).wait(t, 15)
			checkIDs(t, append(append([]event{}, before...), after...))
		})
	}
	t.Run("newest", func(t *testing.T) {
		got := openSSE(t, url+"?last=3", nil)
		checkIDs(t, got.wait(t, 5))
	})
}
