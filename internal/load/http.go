package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tickgate/internal/wire"
)

// maxHead bounds a response head in bytes.
const maxHead = 16 << 10

// request is what a client asks a target for.
type request struct {
	header      string // Config.Headers as they go onto the wire
	subprotocol string
	byCommand   bool // subscribes later, if it can
	topics      *topics
	client      int
	lastID      string // to resume with; empty for none
}

// request returns r as it is put to t.
func (t *Target) request(r request) wire.ClientRequest {
	q := wire.ClientRequest{Host: t.Host, Target: t.Path, Fields: r.header}
	if t.Transport == SSE {
		q.Target, q.LastEventID = r.topics.query(q.Target, r.client), r.lastID
		return q
	}
	q.Protocol = r.subprotocol
	if r.byCommand {
		return q
	}
	q.Target = r.topics.query(q.Target, r.client)
	if r.lastID != "" { // a browser's WebSocket cannot set headers, so the id goes where every client can put it
		q.Target = withParameter(q.Target, "lastEventId", r.lastID)
	}
	return q
}

// appendRequest appends the request of a client that has just been connected.
func (l *loop) appendRequest(dst []byte, s *client) []byte {
	lastID := ""
	if s.flags&flagBack != 0 {
		lastID = l.lastIDs[s.index]
	}
	if lastID != "" {
		s.flags |= flagResumed
		l.tally(s).Resumed++
	}
	t := l.target(s)
	q := t.request(request{l.header, l.cfg.Subprotocol, l.cfg.ByCommand, l.topics, int(s.index), lastID})
	if t.Transport == SSE {
		return wire.AppendClientRequest(dst, &q)
	}
	return wire.AppendHandshake(dst, &q, l.nonce(s))
}

// answer handles the response to the request.
func (l *loop) answer(c *conn, b []byte, now int64) int {
	s := c.State()
	var r wire.Response
	n, err := wire.ParseResponse(b, maxHead, &r)
	if err == nil && n == 0 {
		return 0
	}
	if err == nil && r.Status < 200 && r.Status != http.StatusSwitchingProtocols {
		return n // 100, 103: the answer is still to come
	}
	if err == nil {
		err = l.target(s).check(&r, l.cfg.Subprotocol, l.nonce(s))
	}
	if err != nil {
		l.rejected(c, &r, answerError(l.target(s), &r, b, err))
		return len(b)
	}
	l.welcome(c, &r, now)
	return n
}

// check says what is wrong with the answer, apart from its status.
func (t *Target) check(r *wire.Response, subprotocol string, nonce [16]byte) error {
	if t.Transport == WebSocket {
		if r.Status != http.StatusSwitchingProtocols {
			return errStatus
		}
		return checkAccept(t, r, subprotocol, nonce)
	}
	mediaType, _, _ := bytes.Cut(r.Header("content-type"), []byte(";"))
	coding := r.Header("content-encoding")
	switch {
	case r.Status != http.StatusOK:
		return errStatus
	case !strings.EqualFold(string(bytes.TrimSpace(mediaType)), "text/event-stream"):
		return fmt.Errorf("content type is %q, want text/event-stream", mediaType)
	case len(coding) > 0 && !strings.EqualFold(string(coding), "identity"):
		return fmt.Errorf("content encoding is %q, which was not asked for", coding)
	}
	return nil
}

// checkAccept checks the answer to a handshake. A server may leave a subprotocol alone that was offered, but messages in
// envelopes would then not be found.
func checkAccept(t *Target, r *wire.Response, subprotocol string, nonce [16]byte) error {
	q := t.request(request{subprotocol: subprotocol})
	if err := wire.CheckAccept(r, &q, nonce); err != nil {
		return err
	}
	if subprotocol == wire.Subprotocol && r.Header("sec-websocket-protocol") == nil {
		return errSubprotocol
	}
	return nil
}

var (
	errStatus      = errors.New("unexpected status")
	errSubprotocol = errors.New("without the subprotocol " + wire.Subprotocol + " that was asked for")
)

// answerError describes a bad answer in one line, with the first bytes of what was sent.
func answerError(t *Target, r *wire.Response, b []byte, cause error) error {
	const shown = 120
	body := b[min(len(r.Raw), len(b)):]
	if r.Status == 0 {
		return fmt.Errorf("%s: answer is not HTTP (%w): %.*q", t.URL, cause, shown, b[:min(len(b), shown)])
	}
	excerpt := ""
	if len(body) > 0 {
		excerpt = fmt.Sprintf(": %q", body[:min(len(body), shown)])
	}
	if errors.Is(cause, errStatus) {
		return fmt.Errorf("%s: answered %d %s%s", t.URL, r.Status, printable(r.Reason), excerpt)
	}
	return fmt.Errorf("%s: answered %d, but %w%s", t.URL, r.Status, cause, excerpt)
}

// printable returns what a server has sent without what a terminal could take for a command.
func printable(text []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, string(text))
}

// rejected deals with an answer that does not open the connection.
func (l *loop) rejected(c *conn, r *wire.Response, err error) {
	s := c.State()
	kind, pause := BadHandshake, never
	if r.Status != 0 && !l.target(s).accepts(r.Status) {
		kind = BadStatus
		countKey(&l.faults.Statuses, r.Status)
		if comesBackAfterStatus(r.Status) {
			pause = l.pauseAfter(s, r)
		}
	}
	l.fail(c, kind, pause, err.Error)
}

// accepts reports whether status is the one that opens the target's transport.
func (t *Target) accepts(status int) bool {
	if t.Transport == WebSocket {
		return status == http.StatusSwitchingProtocols
	}
	return status == http.StatusOK
}

// pauseAfter returns how long a refused client waits.
func (l *loop) pauseAfter(s *client, r *wire.Response) time.Duration {
	if d, ok := retryAfter(r.Header("retry-after"), time.Now()); ok {
		l.tally(s).Hinted++
		return d
	}
	return l.pause(s)
}

// retryAfter reads a Retry-After field (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(value []byte, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(string(value), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(string(value)); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// welcome begins the life of an open connection.
func (l *loop) welcome(c *conn, r *wire.Response, now int64) {
	s := c.State()
	l.handshake.record(time.Duration(now-s.mark), 1)
	s.phase, s.mark, s.attempts = open, now, 0
	if r.Chunked {
		s.flags |= flagChunked
	}
	if s.flags&flagResumed == 0 {
		l.views.forget(s)
	}
	l.dialing--
	l.opened = now
	l.tally(s).Opened++
	l.enrol(c)
	l.ep.SetTimer(c, time.Hour)
	if l.target(s).Transport == WebSocket {
		l.introduce(c)
	}
	delete(l.lastIDs, s.index)
	if s.flags&flagSlow != 0 {
		l.tally(s).Slow++
		shrink(c)
		l.ep.PauseRead(c)
	}
}

// introduce sends what a WebSocket client says first.
func (l *loop) introduce(c *conn) {
	s := c.State()
	if l.cfg.Send != "" {
		l.say(c, []byte(l.cfg.Send))
	}
	if l.cfg.ByCommand && l.topics != nil {
		since := ""
		if s.flags&flagResumed != 0 {
			since = l.lastIDs[s.index]
		}
		l.say(c, l.topics.appendCommand(nil, int(s.index), since))
	}
}

// say sends a text message.
func (l *loop) say(c *conn, text []byte) {
	l.scratch = wire.AppendMaskedFrame(l.scratch[:0], wire.OpText, text, l.maskKey())
	l.ep.Write(c, l.scratch)
}
