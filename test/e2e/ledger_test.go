package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// errRefused is an answer other than success.
var errRefused = errors.New("refused")

// after returns a channel that is ready at once, or in a moment if the last attempt failed.
func after(failed bool) <-chan time.Time {
	if failed {
		return time.After(50 * time.Millisecond)
	}
	return time.After(0)
}

// ledger is a publisher that writes {"n":0}, {"n":1}, … one after the other to a topic, through one gateway after
// another, and keeps the ids that it got as answers. Safe for concurrent use.
type ledger struct {
	fleet *fleet
	topic string
	// named gives every message an id, by which it is repeated until it is acknowledged; otherwise one without an
	// answer is given up.
	named bool
	stop  chan struct{}
	ended chan struct{}

	mu       sync.Mutex
	ids      []string // guarded by mu; by n, empty if there was no answer
	refusals int      // guarded by mu; answers 503
	rude     string   // guarded by mu; a 503 that did not say when to come back, or another answer that is none
}

// keep starts the publisher; it ends with finish or the test.
func (l *ledger) keep(t testing.TB) *ledger {
	l.stop, l.ended = make(chan struct{}), make(chan struct{})
	go l.run()
	t.Cleanup(l.finish)
	return l
}

// finish ends publishing and waits for the last answer.
func (l *ledger) finish() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	<-l.ended
}

func (l *ledger) run() {
	defer close(l.ended)
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for n := 0; ; n++ {
		id := l.store(n)
		l.mu.Lock()
		l.ids = append(l.ids, id)
		l.mu.Unlock()
		select {
		case <-l.stop:
			return
		case <-pace.C:
		}
	}
}

// store returns the id of message n.
func (l *ledger) store(n int) string {
	for {
		id, err := l.post(n)
		if err == nil || !l.named {
			return id
		}
		<-after(true)
	}
}

// ledgerClient has more patience than the gateway.
var ledgerClient = http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}

func (l *ledger) post(n int) (string, error) {
	url := "http://" + l.fleet.next().Admin + "/v1/topics/" + l.topic
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(payloadOf(n)))
	if err != nil {
		return "", err
	}
	if l.named {
		req.Header.Set("Nats-Msg-Id", fmt.Sprintf("%s-%d", l.topic, n))
	}
	resp, err := ledgerClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct{ ID string }
	if resp.StatusCode == http.StatusOK {
		err := json.NewDecoder(resp.Body).Decode(&answer)
		return answer.ID, err
	}
	l.refused(resp)
	return "", errRefused
}

func payloadOf(n int) string { return fmt.Sprintf(`{"n":%d}`, n) }

func (l *ledger) refused(resp *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals++
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		l.rude = fmt.Sprintf("%s with Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
}

// acknowledged returns the ids so far, by n.
func (l *ledger) acknowledged() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// id returns the id of a message by its payload. It is known soon after the message was delivered, or even before.
func (l *ledger) id(payload string) (id string) {
	var m struct{ N int }
	if json.Unmarshal([]byte(payload), &m) != nil {
		return ""
	}
	holds(clusterPatience, func() bool {
		ids := l.acknowledged()
		if m.N < len(ids) {
			id = ids[m.N]
		}
		return id != ""
	})
	return id
}

// grow waits until n more messages have been acknowledged.
func (l *ledger) grow(t testing.TB, n int) {
	t.Helper()
	want := len(l.acknowledged()) + n
	eventually(t, clusterPatience, fmt.Sprintf("%d further acknowledgements of topic %s", n, l.topic), func() bool {
		return len(l.acknowledged()) >= want
	})
}

// outcome returns the number of refusals, and an answer that none should give.
func (l *ledger) outcome() (refusals int, rude string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusals, l.rude
}
