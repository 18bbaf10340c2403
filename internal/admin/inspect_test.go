package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type inspected struct {
	topics      []Topic
	connections []Connections
}

func (i inspected) Topics(prefix string, limit int) (list []Topic) {
	for _, t := range i.topics {
		if strings.HasPrefix(t.Topic, prefix) && len(list) < limit {
			list = append(list, t)
		}
	}
	return list
}

func (i inspected) Connections() []Connections { return slices.Clone(i.connections) }

// TestTopicsAreMerged: subscribers add up, the longest log counts, and a process that does not answer is told.
func TestTopicsAreMerged(t *testing.T) {
	handler := func(topics ...Topic) http.Handler {
		mux := http.NewServeMux()
		inspect(mux, inspected{topics, []Connections{{Transport: "ws", State: "open", Connections: 3}}})
		return mux
	}
	broken := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) })
	none := http.NewServeMux()
	inspect(none, nil)
	s := &Server{config: Config{Workers: func() []Worker {
		return []Worker{
			Local("0", handler(Topic{Topic: "a", Subscribers: 1, Messages: 1, Oldest: "e-2"}, Topic{Topic: "c"})),
			Local("1", handler(Topic{Topic: "a", Subscribers: 2, Messages: 2, Oldest: "e-1"}, Topic{Topic: "b"})),
			Local("2", broken), Local("supervisor", none),
		}
	}}}
	topics, errs := s.gatherTopics(t.Context(), "", 2)
	want := []Topic{{Topic: "a", Subscribers: 3, Messages: 2, Oldest: "e-1"}, {Topic: "b"}}
	if !reflect.DeepEqual(topics, want) {
		t.Errorf("got %+v, want %+v", topics, want)
	}
	if len(errs) != 1 || !strings.Contains(errs[0], "worker 2") {
		t.Errorf("got errors %q, want one of worker 2", errs)
	}
	answer := httptest.NewRecorder()
	s.connections(answer, httptest.NewRequest(http.MethodGet, "/v1/connections", nil))
	var page struct {
		Total       int
		Connections []Connections
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || page.Total != 6 || len(page.Connections) != 2 || page.Connections[1].Worker != "1" {
		t.Errorf("got %+v, %v, want 3 connections of each of two workers", page, err)
	}
}
