// Command subscribe prints the messages of topics as lines "TOPIC ID DATA", by WebSocket in envelopes (tickgate.v1), and goes on where
// it was when the connection breaks.
//
//	[TICKGATE_TOKEN=…] go run ./examples/go/subscribe http://127.0.0.1:8080 'price.*' chat.1
//
// It ends with status 1 when the gateway refuses, and would do so again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: subscribe URL TOPIC…")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := subscriber{url: os.Args[1] + "/ws", topics: os.Args[2:], token: os.Getenv("TICKGATE_TOKEN")}
	if err := s.run(ctx); ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "given up:", err)
		os.Exit(1)
	}
}

// subscriber remembers, over connections, what is needed to come back.
type subscriber struct {
	url    string
	topics []string
	token  string
	last   string // the id of the last message
}

// refused is an answer that the gateway would give again.
type refused struct{ error }

// passing are errors of subscribing that may be over soon.
var passing = []string{"busy", "unavailable", "too_many_patterns", "no_room_for_topic"}

// later is an answer with the time of the next try.
type later struct {
	error
	wait time.Duration
}

// run connects until the gateway refuses or the context ends.
func (s *subscriber) run(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		opened, err := s.connect(ctx)
		if opened {
			wait = time.Second
		}
		pause := wait/2 + rand.N(wait) // so that not all clients come back at once
		var told later
		switch {
		case errors.As(err, new(refused)) || ctx.Err() != nil:
			return err
		case errors.As(err, &told):
			pause = told.wait
		}
		fmt.Fprintf(os.Stderr, "disconnected, back in %v: %v\n", pause.Round(time.Millisecond), err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// connect serves one connection to its end and reports whether it was opened at all.
func (s *subscriber) connect(ctx context.Context) (opened bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts := websocket.DialOptions{Subprotocols: []string{"tickgate.v1"}, HTTPHeader: http.Header{}}
	if s.token != "" {
		opts.HTTPHeader.Set("Authorization", "Bearer "+s.token)
	}
	conn, resp, err := websocket.Dial(ctx, s.url, &opts)
	if err != nil {
		return false, refusal(resp, err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	go ping(ctx, conn)
	command, err := json.Marshal(map[string]any{"t": "sub", "ref": 1, "topics": s.topics, "since": s.last})
	if err != nil {
		return false, err
	}
	if err := conn.Write(ctx, websocket.MessageText, command); err != nil {
		return false, err
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return opened, ending(err)
		}
		if err := s.take(text); err != nil {
			return opened, err
		}
		opened = true
	}
}

// take handles what the gateway sends; it has more than is of interest here.
func (s *subscriber) take(text []byte) error {
	var m struct {
		T, Topic, ID  string
		Data          json.RawMessage
		Code, Message string
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	switch m.T {
	case "ok":
		fmt.Fprintln(os.Stderr, "connected")
		if s.last == "" {
			s.last = m.ID // where to go on if nothing comes before the connection breaks
		}
	case "msg":
		fmt.Println(m.Topic, m.ID, string(m.Data))
		if m.ID != "" { // with max_rate some messages come late, without an id to go on from
			s.last = m.ID
		}
	case "gap":
		fmt.Fprintf(os.Stderr, "gap: messages are missing: %s\n", text)
	case "error":
		err := fmt.Errorf("%s: %s", m.Code, m.Message)
		if slices.Contains(passing, m.Code) {
			return err
		}
		return refused{err}
	}
	return nil
}

// refusal tells what became of a handshake: the answer is there unless nobody was.
func refusal(resp *http.Response, err error) error {
	if resp == nil {
		return err
	}
	body, _ := io.ReadAll(resp.Body)
	err = fmt.Errorf("%d %s", resp.StatusCode, body)
	seconds, none := strconv.Atoi(resp.Header.Get("Retry-After"))
	switch {
	case none == nil:
		return later{err, time.Duration(seconds) * time.Second}
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusRequestTimeout:
		return refused{err}
	}
	return err
}

// ending tells what a close frame says.
func ending(err error) error {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return err
	}
	switch closed.Code {
	case websocket.StatusProtocolError, websocket.StatusUnsupportedData, websocket.StatusInvalidFramePayloadData,
		websocket.StatusPolicyViolation, websocket.StatusMessageTooBig:
		return refused{err}
	case websocket.StatusServiceRestart, websocket.StatusTryAgainLater:
		if ms, err := strconv.Atoi(strings.TrimPrefix(closed.Reason, "retry=")); err == nil {
			return later{closed, time.Duration(ms) * time.Millisecond}
		}
	}
	return err
}

// ping finds out that the network is gone, which otherwise nothing would tell.
func ping(ctx context.Context, conn *websocket.Conn) {
	for ctx.Err() == nil {
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
			return
		}
		patience, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := conn.Ping(patience); err != nil {
			_ = conn.CloseNow()
		}
		cancel()
	}
}
