package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// sleeper opens a subscription and never reads a byte of it. Its receive buffer is small, so that the gateway's side fills soon.
func sleeper(t testing.TB, addr, request string) {
	t.Helper()
	conn := dialRaw(t, addr)
	if err := conn.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	write(t, conn, request)
}

// TestSleepers: clients that never read cost a bounded amount of memory, delay nobody, and give everything back when they are evicted.
func TestSleepers(t *testing.T) {
	trial.Grow(t, 20*time.Millisecond, func(t testing.TB, interval time.Duration) {
		const (
			count   = 100
			payload = 8 << 10
			sndbuf  = 32 << 10
		)
		g := startGateway(t, setup{flags: map[string]string{
			"policy": "latest", "feed-interval": interval.String(), "payload-bytes": strconv.Itoa(payload), "sndbuf": strconv.Itoa(sndbuf), "write-timeout": (200 * interval).String(), "loops": "1",
		}})
		readers := []*sse{openSSE(t, "http://"+g.Addr+"/sse", nil), openSSE(t, "http://"+g.Addr+"/sse", nil)}
		readers[0].wait(t, 20)
		rss, queued, descriptors := memory(t, g.pid(), "RssAnon"), sendQueue(t, g.Addr), sockets(g.pid())

		for i := range count {
			if i%2 == 0 {
				sleeper(t, g.Addr, "GET /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n\r\n")
			} else {
				sleeper(t, g.Addr, "GET /ws HTTP/1.1\r\nHost: "+g.Addr+"\r\n"+upgrade+"\r\n")
			}
		}
		eventually(t, patience, "acceptance of all sleepers", func() bool { return sockets(g.pid()) >= descriptors+count })
		watched := len(readers[0].seen())
		readers[0].wait(t, watched+75) // 1.5 s of 8 KiB each 20 ms, if the first try succeeds: without conflation a sleeper would owe 600 KiB

		if grown := memory(t, g.pid(), "RssAnon") - rss; grown > count*payload+(16<<20) {
			t.Errorf("user memory grew by %d KiB for %d sleepers, want no copies of messages", grown>>10, count)
		}
		// The kernel doubles SO_SNDBUF for its own bookkeeping; the queue holds at most that.
		if grown := sendQueue(t, g.Addr) - queued; grown > count*2*sndbuf {
			t.Errorf("send queues grew by %d KiB for %d sleepers, want at most 2 x sndbuf each", grown>>10, count)
		}
		for i, s := range readers {
			checkSteady(t, fmt.Sprintf("reader %d", i), s.seen()[watched:], 25*interval)
		}
		eventually(t, 200*interval+patience, "eviction of all sleepers", func() bool { return sockets(g.pid()) <= descriptors })
		if left := sendQueue(t, g.Addr); left > queued+payload*4 {
			t.Errorf("%d KiB are still queued after the eviction: sleepers must be reset, a plain close keeps their data", left>>10)
		}
		for i, s := range readers {
			if over, err := s.ended(); over {
				t.Errorf("reader %d lost its stream: %v", i, err)
			}
			s.wait(t, len(s.seen())+5)
		}
	})
}

// checkSteady checks that a reader got its messages in order and soon after their intended time. A latest topic may skip on a busy machine; more
// than a tenth would mean that the sleepers are in the way.
func checkSteady(t testing.TB, who string, events []event, most time.Duration) {
	t.Helper()
	ticks := parseTicks(t, payloads(events))
	first, last := ticks[0].Seq, ticks[0].Seq
	for i, tick := range ticks {
		if i > 0 && tick.Seq <= last {
			t.Errorf("%s: got seq %d after %d", who, tick.Seq, last)
		}
		last = tick.Seq
		if late := events[i].at.Sub(time.Unix(0, tick.Ts)); late > most {
			t.Errorf("%s: seq %d came %v after its time", who, tick.Seq, late)
			return
		}
	}
	if due := int(last-first) + 1; len(ticks) < due*9/10 {
		t.Errorf("%s: got %d messages of %d", who, len(ticks), due)
	}
}

// sendQueue adds up the bytes in the send queues of the connections of a local port (/proc/net/tcp, IPv4).
func sendQueue(t testing.TB, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // sl local_address rem_address st tx_queue:rx_queue …
		if len(fields) < 5 || !strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", number)) || fields[3] == "0A" {
			continue // another port, or a listener, whose queue counts connections
		}
		tx, _, _ := strings.Cut(fields[4], ":")
		bytes, err := strconv.ParseInt(tx, 16, 64)
		if err != nil {
			t.Fatalf("/proc/net/tcp: got %q: %v", line, err)
		}
		total += int(bytes)
	}
	return total
}

// TestSlowSubscriberOfAll: on a topic whose policy is all, a client that falls behind further than the ring is told so and closed.
func TestSlowSubscriberOfAll(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 10*time.Millisecond, func(t testing.TB, interval time.Duration) {
		g := startGateway(t, setup{flags: map[string]string{
			"ring": "16", "feed-interval": interval.String(), "payload-bytes": "32KiB", "sndbuf": "16KiB", "write-timeout": "60s",
		}})
		c, err := dialWS("ws://" + g.Addr + "/ws")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.conn.Close() })
		// While nothing is read, the ring goes round many times.
		keep := openSSE(t, "http://"+g.Addr+"/sse", nil)
		keep.wait(t, 150)
		go c.read(true)
		select {
		case <-c.done:
		case <-time.After(patience):
			t.Fatal("the slow client is still connected")
		}
		came, code, _, _ := c.closes()
		if !came || code != 4008 {
			t.Errorf("got close frame %v with code %d (%v), want 4008", came, code, c.err)
		}
		if err := gapFree(parseTicks(t, c.seen())); err != nil {
			t.Errorf("before the close: %v", err)
		}
		checkIDs(t, keep.seen())
	})
}

// TestLateReaderConflates: on a latest topic a client that slept goes on with the newest message, in order and without duplicates.
func TestLateReaderConflates(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{
		"policy": "latest", "feed-interval": "10ms", "payload-bytes": "32KiB", "sndbuf": "16KiB", "write-timeout": "60s",
	}})
	conn := dialRaw(t, g.Addr)
	if err := conn.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	write(t, conn, "GET /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n\r\n")
	keep := openSSE(t, "http://"+g.Addr+"/sse", nil)
	keep.wait(t, 300)
	woken := time.Now()
	last, jumped := uint64(0), false
	err := readSSE(conn, func(e event) bool {
		_, seq := splitID(t, e.id)
		if seq <= last && last > 0 {
			t.Errorf("got message %d after %d", seq, last)
		}
		jumped = jumped || (last > 0 && seq > last+50)
		last = seq
		tick := parseTicks(t, []string{e.data})[0]
		return time.Unix(0, tick.Ts).Before(woken)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !jumped {
		t.Error("got every message, want a jump to the newest")
	}
}

// readSSE hands over the events of a raw connection, head included, while more returns true.
func readSSE(conn io.Reader, more func(event) bool) error {
	var current event
	in := newLines(conn)
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch {
		case name == "id":
			current.id = value
		case name == "data":
			current.data = value
		case in.Text() == "" && current.id != "":
			if !more(current) {
				return nil
			}
			current = event{}
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	return io.ErrUnexpectedEOF
}
