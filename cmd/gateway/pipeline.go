package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// maxUnanswered is more lines than a gateway leaves unanswered, so that it decides how many are on their way.
	maxUnanswered = 1 << 16
	// pipelineBuffer is what is sent together at least when nobody waits.
	pipelineBuffer = 32 << 10
	// maxShown is the number of failed lines that are told in full.
	maxShown = 10
)

// pipeline publishes the lines of --ndjson and reads the results while it sends.
func (c *publishClient) pipeline(ctx context.Context, rate float64) error {
	input, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = input.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, out := io.Pipe()
	s := &sender{in: bufio.NewReaderSize(input, pipelineBuffer), out: bufio.NewWriterSize(out, pipelineBuffer), rate: rate}
	s.times = make(chan time.Time, maxUnanswered)
	go func() { _ = out.CloseWithError(s.run(ctx)) }()
	resp, err := c.post(ctx, "/v1/messages", body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	r := &receiver{client: c, times: s.times, start: time.Now()}
	err = r.run(resp.Body)
	r.summary()
	return err
}

func (c *publishClient) open() (io.ReadCloser, error) {
	if c.flags.NDJSON == "-" {
		return io.NopCloser(c.program.stdin), nil
	}
	return os.Open(c.flags.NDJSON)
}

// sender is the half of a pipeline that sends.
type sender struct {
	in    *bufio.Reader
	out   *bufio.Writer
	rate  float64        // lines a second, 0 for no limit
	times chan time.Time // when each line was sent, or should have been; closed after the last
}

// run sends until the input ends.
func (s *sender) run(ctx context.Context) error {
	defer close(s.times)
	start := time.Now()
	for n := 0; ; n++ {
		text, err := s.line()
		if errors.Is(err, io.EOF) {
			return s.out.Flush()
		}
		if err != nil {
			return err
		}
		at, err := s.pace(start, n)
		if err != nil {
			return err
		}
		select {
		case s.times <- at:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := s.out.Write(append(bytes.TrimSuffix(text, []byte{'\n'}), '\n')); err != nil {
			return err
		}
	}
}

// line returns the next line; before it waits for one, it sends what there is.
func (s *sender) line() ([]byte, error) {
	if s.in.Buffered() == 0 {
		if err := s.out.Flush(); err != nil {
			return nil, err
		}
	}
	text, err := s.in.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil
	}
	return text, err
}

// pace waits until it is time for line n and returns the time that its latency counts from: the intended one, so that
// a gateway that holds the sender up cannot hide it.
func (s *sender) pace(start time.Time, n int) (time.Time, error) {
	if s.rate == 0 {
		return time.Now(), nil
	}
	at := start.Add(time.Duration(float64(n) / s.rate * float64(time.Second)))
	if wait := time.Until(at); wait > 0 {
		if err := s.out.Flush(); err != nil {
			return at, err
		}
		time.Sleep(wait)
	}
	return at, nil
}

// receiver is the half of a pipeline that reads results.
type receiver struct {
	client             *publishClient
	times              <-chan time.Time
	start              time.Time
	stored, duplicates int
	failed             int
	latencies          latencies
}

// run reads until the answer ends. It is an error if not all lines were stored.
func (r *receiver) run(answer io.Reader) error {
	in := bufio.NewReaderSize(answer, pipelineBuffer)
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		if err := r.result(text); err != nil {
			return err
		}
	}
	if !r.sentAll() {
		return fmt.Errorf("the gateway ended the answer after %d lines, before the input ended", r.lines())
	}
	if r.failed > 0 {
		return fmt.Errorf("%d of %d lines were not stored", r.failed, r.lines())
	}
	return nil
}

// sentAll tells whether the answer ended because all lines have their result. The sender closes times before it ends the
// request, and the gateway ends its answer after that; one that ends earlier must not be waited for with the next line,
// which may never come.
func (r *receiver) sentAll() bool {
	select {
	case _, open := <-r.times:
		return !open
	default:
		return false
	}
}

func (r *receiver) lines() int { return r.stored + r.duplicates + r.failed }

// result counts the result of a line.
func (r *receiver) result(text []byte) error {
	at, open := <-r.times
	if !open {
		return fmt.Errorf("a result more than lines: %s", bytes.TrimSpace(text))
	}
	r.latencies.add(time.Since(at))
	switch {
	case bytes.HasPrefix(text, []byte(`{"error"`)):
		r.failed++
		if r.failed <= maxShown {
			_, _ = fmt.Fprintf(r.client.program.stderr, "line %d: %s", r.lines(), text)
		}
	case bytes.HasSuffix(text, []byte("\"duplicate\":true}\n")):
		r.duplicates++
	default:
		r.stored++
	}
	if r.client.flags.IDs {
		_, err := r.client.program.stdout.Write(text)
		return err
	}
	return nil
}

// summary tells what became of the lines.
func (r *receiver) summary() {
	took := time.Since(r.start)
	_, _ = fmt.Fprintf(r.client.program.stderr,
		"%d lines in %v, %.0f a second: %d stored, %d duplicates, %d failed; acknowledged after p50 %v, p99 %v, max %v\n",
		r.lines(), took.Round(time.Millisecond), float64(r.lines())/took.Seconds(), r.stored, r.duplicates, r.failed,
		r.latencies.quantile(0.5), r.latencies.quantile(0.99), r.latencies.max.Round(time.Microsecond))
}
