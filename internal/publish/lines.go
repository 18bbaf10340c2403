package publish

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines takes a body apart. Its memory is the reader's buffer and one line of at most limit bytes.
type lines struct {
	in    *bufio.Reader
	limit int
	long  []byte // a line that is longer than the reader's buffer
}

// lineBuffer holds some hundred usual lines.
const lineBuffer = 32 << 10

func newLines(body io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(body, lineBuffer), limit: limit}
}

// errLongLine means that a line is longer than the limit; the next one follows.
var errLongLine = errors.New("line too long")

// next returns the next line without its end, valid until the next call; errLongLine in its place; or the reader's error.
// A last line without a line feed counts.
func (l *lines) next() ([]byte, error) {
	text, err := l.in.ReadSlice('\n')
	if err == nil && len(text)-1 <= l.limit {
		return trimEnd(text), nil
	}
	l.long = l.long[:0]
	tooLong := false
	for errors.Is(err, bufio.ErrBufferFull) {
		if tooLong = tooLong || len(l.long)+len(text) > l.limit; !tooLong {
			l.long = append(l.long, text...)
		}
		text, err = l.in.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(l.long)+len(text) == 0 && !tooLong) {
		return nil, err
	}
	if tooLong || len(l.long)+len(trimEnd(text)) > l.limit {
		l.long = nil // it may have grown far beyond what usual lines need
		return nil, errLongLine
	}
	l.long = append(l.long, text...)
	return trimEnd(l.long), nil
}

func trimEnd(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\r'})
}
