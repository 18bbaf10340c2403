package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"unsafe"
)

// chunkedOutcome unwraps a body that arrives in pieces. Of the data it consumes all but the last keep bytes, as a
// decoder behind it would that waits for the rest of an event.
func chunkedOutcome(keep int) func(pieces ...[]byte) string {
	return func(pieces ...[]byte) string {
		var (
			c      ChunkedDecoder
			out    strings.Builder
			kept   int
			last   []byte
			failed bool
		)
		arrivals(pieces, func(b []byte) (int, bool) {
			lo, hi, err := c.Unwrap(b, kept)
			if err != nil {
				failed = true
				return 0, true
			}
			kept = min(keep, hi-lo)
			out.Write(b[lo : hi-kept])
			last = bytes.Clone(b[hi-kept : hi])
			return hi - kept, c.Done()
		})
		if failed {
			return "error" // how much came through before it depends on the cuts
		}
		return fmt.Sprintf("%q done=%v", out.String()+string(last), c.Done())
	}
}

func TestChunkedDecoder(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"one chunk", "5\r\nhello\r\n0\r\n\r\n", `"hello" done=true`},
		{"three chunks", "1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n", `"abc0123456789" done=true`},
		{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", `"hello" done=true`},
		{"extensions", "5;a=b\r\nhello\r\n0 ; c=\"d\"\r\n\r\n", `"hello" done=true`},
		{"trailer", "1\r\na\r\n0\r\nX: y\r\nZ: \r\n\r\n", `"a" done=true`},
		{"CRLF in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", `"\r\n\r\n" done=true`},
		{"nothing", "0\r\n\r\n", `"" done=true`},
		{"cut off in the data", "5\r\nhel", `"hel" done=false`},
		{"cut off in the size", "5\r\nhello\r\n1", `"hello" done=false`},
		{"no size", "\r\nhello", "error"},
		{"size not hexadecimal", "g\r\n", "error"},
		{"size with a sign", "-1\r\n", "error"},
		{"size too long", "1234567812345678\r\n", "error"},
		{"bare LF behind the size", "5\nhello", "error"},
		{"bare LF behind the data", "1\r\na\n", "error"},
		{"data longer than its chunk", "1\r\nab\r\n", "error"},
		{"endless extension", "1;" + strings.Repeat("x", 2*maxChunkLine), "error"},
		{"malformed trailer", "0\r\nX : y\r\n\r\n", "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for keep := range 4 {
				if got := everySplit(t, []byte(tc.in), chunkedOutcome(keep)); got != tc.want {
					t.Errorf("keeping %d: got %s, want %s", keep, got, tc.want)
				}
			}
		})
	}
}

func TestChunkedDecoderSize(t *testing.T) {
	if got := unsafe.Sizeof(ChunkedDecoder{}); got != 16 {
		t.Errorf("got %d bytes, want 16", got)
	}
}

// FuzzChunkedDecoder: the outcome depends neither on the cuts nor on what the caller keeps; what we accept to the end,
// net/http reads alike.
func FuzzChunkedDecoder(f *testing.F) {
	f.Add([]byte("5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"))
	f.Add([]byte("1\r\na\r\n1\r\nb\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := everySplit(t, in, chunkedOutcome(0))
		if kept := everySplit(t, in, chunkedOutcome(7)); kept != got {
			t.Fatalf("%q: got %s, keeping 7 bytes %s", in, got, kept)
		}
		if !strings.HasSuffix(got, "done=true") {
			return
		}
		std, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
		if want := fmt.Sprintf("%q done=true", std); err != nil || got != want {
			t.Fatalf("%q: got %s, want %s, %v as net/http", in, got, want, err)
		}
	})
}

func TestChunkedDecoderAllocs(t *testing.T) {
	in := []byte("5\r\nhello\r\n5\r\nworld\r\n")
	work := make([]byte, len(in))
	zeroAllocs(t, "two chunks", func() {
		var c ChunkedDecoder
		copy(work, in)
		if lo, hi, err := c.Unwrap(work, 0); err != nil || string(work[lo:hi]) != "helloworld" {
			t.Fatalf("got %q, %v", work[lo:hi], err)
		}
	})
}
