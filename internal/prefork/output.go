package prefork

import (
	"bytes"
	"io"
	"sync"
)

// maxLine bounds what is kept of a line that does not end; a longer one is forwarded in pieces.
const maxLine = 64 << 10

// output writes the lines of all workers to one writer.
type output struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

func newOutput(w io.Writer) *output { return &output{w: w} }

// prefixed returns a writer for one process, whose lines get prefix in front.
func (o *output) prefixed(prefix string) *prefixed {
	return &prefixed{out: o, prefix: prefix}
}

// writeLine writes prefix and line in one piece; line may lack its line feed.
func (o *output) writeLine(prefix string, line []byte) {
	b := make([]byte, 0, len(prefix)+len(line)+1)
	b = append(append(b, prefix...), bytes.TrimSuffix(line, []byte{'\n'})...)
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.w.Write(append(b, '\n')) // a worker must not die because nobody reads its supervisor's output
}

// prefixed forwards whole lines. Write and flush are called by one goroutine at a time: os/exec copies a process's
// output in one goroutine and ends it before Wait returns.
type prefixed struct {
	out     *output
	prefix  string
	partial []byte // the beginning of a line whose end has not come yet
}

// Write implements io.Writer and never fails.
func (p *prefixed) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		p.out.writeLine(p.prefix, append(p.partial, b[:i]...))
		p.partial, b = p.partial[:0], b[i+1:]
	}
	p.partial = append(p.partial, b...)
	if len(p.partial) >= maxLine {
		p.flush()
	}
	return n, nil
}

// flush forwards a line that has no end.
func (p *prefixed) flush() {
	if len(p.partial) == 0 {
		return
	}
	p.out.writeLine(p.prefix, p.partial)
	p.partial = p.partial[:0]
}
