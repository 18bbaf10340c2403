package wire

import (
	"bytes"
	"slices"
	"time"
)

// SSEEvent is what SSEDecoder.Next found between two blank lines. Its slices alias the input.
type SSEEvent struct {
	ID       []byte // if HasID: the new last event id, perhaps empty
	Event    []byte // the type; empty means "message"
	Data     []byte // if HasData: the lines, joined by LF
	Retry    time.Duration
	HasID    bool
	HasData  bool // without data a client dispatches nothing
	HasRetry bool
}

// SSEDecoder is the state of an event stream between two reads: one byte. The zero value is ready to use. It must not
// be used by two goroutines at the same time.
type SSEDecoder struct {
	flags sseFlags
}

type sseFlags uint8

const (
	sseBegun  sseFlags = 1 << iota // the place where a byte order mark may be has passed
	sseSkipLF                      // the last byte consumed was a CR: an LF behind it belongs to it
)

const byteOrderMark = "\uFEFF"

// Next looks at b, the bytes of the stream that have arrived and were not consumed before, and returns at most one
// event and how many bytes it consumed; n == 0 means that more bytes are needed. An event is left alone until its
// blank line has come, then its data lines are joined in place: b is modified, but only where it is consumed. Comments
// between events are consumed as they come and give an event without data, id and retry. How much an event may
// hold is the caller's to bound: it sees len(b).
func (d *SSEDecoder) Next(b []byte) (e SSEEvent, n int) {
	if len(b) == 0 {
		return e, 0
	}
	if d.flags&sseBegun == 0 {
		mark, wait := skipMark(b)
		if wait {
			return e, 0
		}
		d.flags |= sseBegun
		if mark > 0 {
			return e, mark
		}
	}
	if d.flags&sseSkipLF != 0 {
		d.flags &^= sseSkipLF
		if b[0] == '\n' {
			return e, 1
		}
	}
	if b[0] == ':' {
		_, next := lineEnd(b, 0)
		return e, d.consume(b, next)
	}
	next := blockEnd(b)
	if next == 0 {
		return e, 0
	}
	e.parse(b[:next:next])
	return e, d.consume(b, next)
}

// skipMark returns the length of the byte order mark at the start of the stream, or that it may still be coming.
func skipMark(b []byte) (n int, wait bool) {
	switch {
	case len(b) >= len(byteOrderMark):
		if string(b[:len(byteOrderMark)]) == byteOrderMark {
			return len(byteOrderMark), false
		}
		return 0, false
	default:
		return 0, string(b) == byteOrderMark[:len(b)]
	}
}

// consume remembers whether the last of n bytes is a CR that an LF may follow.
func (d *SSEDecoder) consume(b []byte, n int) int {
	if n > 0 && n == len(b) && b[n-1] == '\r' {
		d.flags |= sseSkipLF
	}
	return n
}

// lineEnd returns where the line that starts at i ends and the next one starts, 0 and 0 if its end has not come.
func lineEnd(b []byte, i int) (end, next int) {
	line := b[i:]
	lf := bytes.IndexByte(line, '\n')
	if lf >= 0 {
		line = line[:lf]
	}
	cr := bytes.IndexByte(line, '\r')
	switch {
	case cr >= 0 && cr == lf-1:
		return i + cr, i + cr + 2
	case cr >= 0:
		return i + cr, i + cr + 1
	case lf >= 0:
		return i + lf, i + lf + 1
	}
	return 0, 0
}

// blockEnd returns where the first block of lines ends, blank line included, 0 if the blank line has not come.
func blockEnd(b []byte) int {
	for i := 0; ; {
		end, next := lineEnd(b, i)
		if next == 0 || end == i {
			return next
		}
		i = next
	}
}

// parse reads the fields of a block (WHATWG HTML §9.2.6).
func (e *SSEEvent) parse(b []byte) {
	for i := 0; i < len(b); {
		end, next := lineEnd(b, i)
		name, value, _ := bytes.Cut(b[i:end], []byte(":"))
		if len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		e.field(name, value)
		i = next
	}
	e.Data = slices.Clip(e.Data)
}

// field takes one field. Data has capacity up to the end of the block, so appending to it writes over lines that have
// been read. Where one of those is an id or a type that is still pointed to, the capacity is cut and append makes a copy.
func (e *SSEEvent) field(name, value []byte) {
	switch string(name) {
	case "data":
		if !e.HasData {
			e.HasData, e.Data = true, value
			return
		}
		e.Data = append(append(e.Data, '\n'), value...)
	case "event":
		e.Event, e.Data = value, slices.Clip(e.Data)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			e.ID, e.HasID, e.Data = value, true, slices.Clip(e.Data)
		}
	case "retry":
		if retry, ok := milliseconds(value); ok {
			e.Retry, e.HasRetry = retry, true
		}
	}
}
