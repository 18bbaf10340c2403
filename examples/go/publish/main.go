// Command publish publishes each line of standard input to a topic, once, by the command pub of tickgate.v1, and prints its id.
//
//	[TICKGATE_TOKEN=…] go run ./examples/go/publish http://127.0.0.1:8080 chat.1 < lines
//
// The token must grant publishing; without keys for tokens the gateway's --open-publish must name the topic. A line is text or JSON.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/coder/websocket"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: publish URL TOPIC < lines")
		os.Exit(2)
	}
	p := publisher{url: os.Args[1] + "/ws", topic: os.Args[2], token: os.Getenv("TICKGATE_TOKEN")}
	if err := p.run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "given up:", err)
		os.Exit(1)
	}
}

// publisher sends one message at a time. For more than a few hundred a second, send on without waiting for each answer, up to 64
// messages, or use POST /v1/messages.
type publisher struct {
	url, topic, token string
	conn              *websocket.Conn // nil: not connected
	ref               int             // of the newest command
}

// command is pub; the gateway stores messages with the same MsgID once.
type command struct {
	T     string `json:"t"`
	Ref   int    `json:"ref"`
	Topic string `json:"topic"`
	Data  any    `json:"data"` // a JSON value, or a string for other text
	MsgID string `json:"msgid"`
}

// answer is what the gateway sends; a session that only publishes gets ok and error.
type answer struct {
	T, ID, Code, Message string
	Ref                  int
}

// refused is an answer that the gateway would give again.
type refused struct{ error }

func (p *publisher) run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var data any = lines.Text()
		if json.Valid(lines.Bytes()) {
			data = json.RawMessage(lines.Bytes())
		}
		id, err := p.publish(ctx, data)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, id)
	}
	return lines.Err()
}

// publish returns once the message is stored. It repeats what may succeed later, with the same message id.
func (p *publisher) publish(ctx context.Context, data any) (id string, err error) {
	msgid := rand.Text()
	for wait := 500 * time.Millisecond; wait < time.Minute; wait *= 2 {
		if id, err = p.try(ctx, data, msgid); err == nil || errors.As(err, new(refused)) {
			return id, err
		}
		fmt.Fprintf(os.Stderr, "again in %v: %v\n", wait, err)
		time.Sleep(wait)
	}
	return "", err
}

// try publishes once. After an error that is not refused the message may have been stored nevertheless.
func (p *publisher) try(ctx context.Context, data any, msgid string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.connect(ctx); err != nil {
		return "", err
	}
	p.ref++
	text, err := json.Marshal(command{"pub", p.ref, p.topic, data, msgid})
	if err != nil {
		return "", refused{err}
	}
	if err := p.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return "", p.disconnect(err)
	}
	for {
		var a answer
		if _, text, err = p.conn.Read(ctx); err != nil {
			return "", p.disconnect(err)
		}
		if err := json.Unmarshal(text, &a); err != nil {
			return "", p.disconnect(err)
		}
		switch {
		case a.Ref != p.ref: // something else, or what an earlier try no longer waited for
		case a.T == "ok":
			return a.ID, nil
		case a.Code == "busy" || a.Code == "overloaded" || a.Code == "unavailable":
			return "", fmt.Errorf("%s: %s", a.Code, a.Message)
		case a.T == "error":
			return "", refused{fmt.Errorf("%s: %s", a.Code, a.Message)}
		}
	}
}

func (p *publisher) connect(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	opts := websocket.DialOptions{Subprotocols: []string{"tickgate.v1"}, HTTPHeader: http.Header{}}
	if p.token != "" {
		opts.HTTPHeader.Set("Authorization", "Bearer "+p.token)
	}
	conn, resp, err := websocket.Dial(ctx, p.url, &opts)
	if resp != nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
		body, _ := io.ReadAll(resp.Body)
		return refused{fmt.Errorf("%d %s", resp.StatusCode, body)}
	}
	p.conn = conn // nil after an error
	return err
}

// disconnect gives the connection up, and the messages too if the gateway closed it because of them or of the token.
func (p *publisher) disconnect(err error) error {
	_ = p.conn.CloseNow()
	p.conn = nil
	switch websocket.CloseStatus(err) {
	case websocket.StatusPolicyViolation, websocket.StatusMessageTooBig:
		return refused{err}
	}
	return err
}
