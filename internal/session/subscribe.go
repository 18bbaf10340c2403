package session

import (
	"slices"
	"strconv"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// What an event stream starts with: how long the browser waits after the connection is lost for a reason that nobody
// could announce. The spread keeps a crash from becoming a storm.
const (
	streamRetryLeast  = 1 * time.Second
	streamRetrySpread = 4 * time.Second
)

// start is where a new session begins in a topic or a view.
type start struct {
	topic  *hub.Topic
	cursor hub.Cursor
	gap    bool // some of what the client asked for is not held any more
}

// starts finds out where the session that w asks for begins, as far as the verdict grants it; one of /echo has no topics,
// and one of envelopes none that nobody named. The error is an opening if it has to wait.
func (l *Loop) starts(w *wire.Subscribe, t Transport, v *auth.Verdict) ([]start, error) {
	if t == Echo {
		return nil, nil
	}
	names := w.Topics
	if len(names) == 0 && t == Envelope {
		return nil, nil
	}
	if len(names) == 0 {
		names = append(names, l.cfg.DefaultTopic)
	}
	if len(names) > l.cfg.MaxTopics {
		return nil, tooManyTopics(len(names), l.cfg.MaxTopics)
	}
	for _, name := range names {
		if err := l.granted(v, name); err != nil {
			return nil, err
		}
	}
	if err := l.haveViews(names); err != nil {
		return nil, err
	}
	return l.startsIn(names, w)
}

// startsIn finds out where w begins in the topics and views of those names. They begin to exist if need be: who subscribes
// before the first message gets it.
func (l *Loop) startsIn(names []string, w *wire.Subscribe) ([]start, error) {
	starts := make([]start, 0, len(names))
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		t, err := l.cfg.Hub.Open(name)
		if err != nil {
			return nil, l.notOpened(err)
		}
		starts = append(starts, startIn(t, w))
	}
	return starts, nil
}

// startIn finds out where w begins in one topic. Resuming goes before last: a browser that reconnects repeats the query.
func startIn(t *hub.Topic, w *wire.Subscribe) start {
	s := start{topic: t}
	switch {
	case w.Interval > 0:
		return startPaced(t, w)
	case w.LastEventID != "":
		s.cursor, s.gap = t.Resume(w.LastEventID)
	case w.Last >= 0:
		s.cursor = t.Last(w.Last)
	default:
		s.cursor = t.Default()
	}
	return s
}

// startPaced is startIn for a client that asks for fewer messages: of those held it gets the newest, if any.
func startPaced(t *hub.Topic, w *wire.Subscribe) start {
	s := start{topic: t}
	switch {
	case w.LastEventID != "":
		s.cursor, s.gap = t.Rejoin(w.LastEventID)
	case w.Last >= 0:
		s.cursor = t.Last(min(w.Last, 1))
	default:
		s.cursor = t.Default()
	}
	s.cursor = s.cursor.Paced(w.Interval)
	return s
}

// appendGapField tells a client in raw mode, in the answer to its handshake, of how many topics messages that it asked for are not held any
// more: its messages are payloads and have no place for that.
func appendGapField(dst []byte, starts []start) []byte {
	gaps := 0
	for _, s := range starts {
		if s.gap {
			gaps++
		}
	}
	if gaps == 0 {
		return dst
	}
	return wire.AppendUpgradeField(dst, "Tickgate-Gap", strconv.Itoa(gaps))
}

// appendStreamStart appends what an event stream begins with.
func (l *Loop) appendStreamStart(dst []byte, starts []start) []byte {
	dst = wire.AppendSSEHead(dst, l.cors(&l.request))
	dst = wire.AppendSSERetry(dst, l.jitter(streamRetryLeast, streamRetrySpread))
	for _, s := range starts {
		if s.gap {
			dst = wire.AppendSSEGap(dst, s.topic.Name(), quote(l.subscribe.LastEventID), s.topic.OldestID())
		}
	}
	return dst
}

// maxQuote bounds what a gap event repeats of the id that the client sent, in bytes. Ids are about 30 bytes long; a
// request head has room for thousands.
const maxQuote = 128

func quote(id string) string { return id[:min(len(id), maxQuote)] }
