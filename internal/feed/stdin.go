package feed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// lines publishes what it reads, line by line, as fast as the publisher takes it. Empty lines are left out.
type lines struct {
	counters
	topic string
	in    *bufio.Reader
	max   int
}

func newLines(cfg Config) *lines {
	in := cfg.Input
	if in == nil {
		in = strings.NewReader("")
	}
	longest := cfg.MaxPayload
	if longest <= 0 {
		longest = defaultMaxPayload
	}
	return &lines{topic: cfg.Topic, in: bufio.NewReaderSize(in, longest+len("\r\n")), max: longest}
}

// line is what has been read, or why there is nothing more.
type line struct {
	payload []byte
	err     error
}

// Run implements Feed. A read from a terminal or a pipe cannot be cancelled: after the context's end, a goroutine
// stays behind until that read returns.
func (l *lines) Run(ctx context.Context, publish Publish) error {
	read := make(chan line)
	go l.read(ctx, read)
	for {
		select {
		case <-ctx.Done():
			return nil
		case next := <-read:
			if errors.Is(next.err, io.EOF) {
				return nil
			}
			if next.err != nil {
				return fmt.Errorf("read standard input: %w", next.err)
			}
			l.count(publish(ctx, l.topic, next.payload, time.Now()))
		}
	}
}

// read sends every line and then the error that ended reading.
func (l *lines) read(ctx context.Context, out chan<- line) {
	for next := (line{}); next.err == nil; {
		next.payload, next.err = l.next()
		if len(next.payload) == 0 && next.err == nil {
			continue
		}
		select {
		case out <- next:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the next line without its end, empty if it is too long. The error comes after the last line.
func (l *lines) next() ([]byte, error) {
	text, err := l.in.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.in.ReadSlice('\n')
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if long || len(text) > l.max {
		l.tooLong.Add(1)
		return nil, err
	}
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil // the last line has no end; the next call returns the error
	}
	return bytes.Clone(text), err
}
