package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Browser is a running Chromium. All methods are safe for concurrent use.
type Browser struct {
	cmd      *exec.Cmd
	to, from *os.File
	output   bytes.Buffer // of the process; complete after Close

	mu      sync.Mutex
	next    int                    // guarded by mu: id of the next command
	waiting map[int]chan<- message // guarded by mu: by id of the command
	pages   map[string]*Page       // guarded by mu: by session
	ended   error                  // guarded by mu: why nothing more comes
	done    chan struct{}          // closed when the pipe has ended
}

// message is what goes through the pipe (https://chromedevtools.github.io/devtools-protocol/).
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// flags keep the browser to the page it is shown: no first run, no updates, no look at the network of its own.
var flags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-breakpad", "--no-first-run", "--no-proxy-server", "--hide-scrollbars",
	"--remote-debugging-pipe",
}

// Start starts the program with a profile in dir, which must be empty and is not removed. Close ends it.
func Start(program, dir string) (*Browser, error) {
	theirs, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirs.Close(), to.Close())
	}
	b := &Browser{
		cmd: exec.Command(program, append(append([]string{}, flags...), "--user-data-dir="+dir, "about:blank")...), to: to, from: from,
		waiting: map[int]chan<- message{}, pages: map[string]*Page{}, done: make(chan struct{}),
	}
	b.cmd.ExtraFiles = []*os.File{theirs, theirOut} // descriptors 3 and 4, as the flag wants them
	b.cmd.Stdout, b.cmd.Stderr = &b.output, &b.output
	b.cmd.WaitDelay = time.Second
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = b.cmd.Start()
	_, _ = theirs.Close(), theirOut.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), to.Close(), from.Close())
	}
	go b.read()
	return b, nil
}

// Close ends the browser and all its processes and returns what they printed.
func (b *Browser) Close() string {
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	_ = b.cmd.Wait() // killed: it cannot end well
	_, _ = b.to.Close(), b.from.Close()
	<-b.done
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if syscall.Kill(-b.cmd.Process.Pid, 0) != nil { // until then its children hold the profile's files open
			break
		}
	}
	return b.output.String()
}

// read hands over what comes through the pipe until it ends.
func (b *Browser) read() {
	defer close(b.done)
	in := bufio.NewReaderSize(b.from, 1<<20)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.end(fmt.Errorf("the browser has ended: %w", err))
			return
		}
		var m message
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
			b.end(fmt.Errorf("the browser's message: %w", err))
			return
		}
		b.take(m)
	}
}

func (b *Browser) take(m message) {
	b.mu.Lock()
	page, waiting := b.pages[m.Session], b.waiting[m.ID]
	delete(b.waiting, m.ID)
	b.mu.Unlock()
	switch {
	case m.ID != 0 && waiting != nil:
		waiting <- m
	case m.ID == 0 && page != nil:
		page.event(m)
	}
}

func (b *Browser) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = err
	for id, waiting := range b.waiting {
		close(waiting)
		delete(b.waiting, id)
	}
}

// call sends a command of a session, "" for the browser's own, and fills result unless it is nil.
func (b *Browser) call(ctx context.Context, session, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	if b.ended != nil {
		defer b.mu.Unlock()
		return b.ended
	}
	b.next++
	b.waiting[b.next] = answer
	text, err := json.Marshal(message{ID: b.next, Session: session, Method: method, Params: raw})
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("%s: the browser has ended", method)
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}
