package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// inspect reads a JSON page of the private listener.
func inspect(t testing.TB, g *gateway, path string, page any) int {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + g.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, page); err != nil {
		t.Fatalf("%s: %v in %s", path, err, text)
	}
	return resp.StatusCode
}

type topicPage struct {
	Topic, Policy, Oldest, Newest string
	Messages, Subscribers         int
}

// TestInspect: /v1/topics and /v1/connections count over all processes.
func TestInspect(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "default-topic": "b", "workers": workers}})
			const clients = 6 // of which each worker is likely to have some
			for range clients {
				openSSE(t, "http://"+g.Addr+"/sse?topic=b", nil)
			}
			var first, last result
			for _, topic := range []string{"a", "b", "b", "ba"} {
				_, r := publish(t, g, topic, "x", nil)
				if topic == "b" && first.ID == "" {
					first = r
				}
				if topic == "b" {
					last = r
				}
			}
			want := topicPage{Topic: "b", Policy: "all", Oldest: first.ID, Newest: last.ID, Messages: 2, Subscribers: clients}
			eventually(t, patience, "topic b as published and subscribed to", func() bool {
				var got topicPage
				return inspect(t, g, "/v1/topics/b", &got) == http.StatusOK && got == want
			})
			var list struct {
				Topics []topicPage
				More   bool
				Errors []string
			}
			eventually(t, patience, "all three topics", func() bool {
				inspect(t, g, "/v1/topics", &list)
				return len(list.Topics) == 3 && list.Topics[1] == want && !list.More && len(list.Errors) == 0
			})
			if inspect(t, g, "/v1/topics?prefix=b&limit=1", &list); len(list.Topics) != 1 || !list.More || list.Topics[0].Topic != "b" {
				t.Errorf("got %+v for the first topic from b", list)
			}
			var refused result
			if status := inspect(t, g, "/v1/topics/nobody", &refused); status != http.StatusNotFound || refused.Error != "not_found" {
				t.Errorf("got %d %+v for a topic that nobody uses", status, refused)
			}
			if status := inspect(t, g, "/v1/topics?limit=0", &refused); status != http.StatusBadRequest {
				t.Errorf("got %d %+v for limit=0", status, refused)
			}
			var conns struct {
				Total       int
				Connections []struct {
					Worker, Transport, State string
					Connections              int
				}
			}
			inspect(t, g, "/v1/connections", &conns)
			sse := 0
			for _, c := range conns.Connections {
				if c.Transport == "sse" && c.State == "open" && c.Worker != "" {
					sse += c.Connections
				}
			}
			if sse != clients || conns.Total < clients {
				t.Errorf("got %+v, want %d open SSE connections", conns, clients)
			}
			out, err := exec.CommandContext(t.Context(), binaries.gateway, "topics", "b", "--admin", g.Admin).CombinedOutput()
			if lines := strings.Split(string(out), "\n"); err != nil || len(lines) != 4 || !strings.Contains(lines[1], last.ID) {
				t.Errorf("gateway topics b: got %v\n%s", err, out)
			}
		})
	}
}
