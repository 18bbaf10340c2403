package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tickgate/internal/config"
)

// publishFlags are what `gateway publish` takes beside --admin, which says where the gateway is.
type publishFlags struct {
	Topic  string `arg:"" optional:"" help:"Topic of the message."`
	Data   string `arg:"" optional:"" help:"Payload; without it, standard input is the payload."`
	NDJSON string `name:"ndjson" placeholder:"FILE|-" help:"Publish a pipeline instead: each line of FILE, or of standard input, is {\"topic\",\"data\",\"event\"?,\"msgid\"?}. A summary goes to standard error."`
	Event  string `placeholder:"TYPE" help:"SSE event type of the message."`
	MsgID  string `name:"msg-id" placeholder:"ID" help:"Message id: a second message of the same id is not stored."`
	Key    string `placeholder:"KEY" help:"Publish key or token; TICKGATE_KEY keeps it out of the list of processes."`
	Rate   string `default:"0" placeholder:"N" help:"Lines a second of --ndjson; 0 as fast as they are taken."`
	IDs    bool   `name:"results" help:"Write the result of each line of --ndjson to standard output."`
}

// command describes the sub-command to the command line's parser, which fills f.
func (f *publishFlags) command() config.Command {
	return config.Command{
		Name: "publish", Flags: f,
		Help: "Publish a message, or lines of them, through a running gateway's private listener (--admin). Exit status 0: all are stored, 1: not all.",
	}
}

// publishPatience bounds the publishing of a single message: more than a gateway waits for a cluster's election (20 s).
const publishPatience = 30 * time.Second

// publish is `gateway publish`. It returns the exit code.
func (p program) publish(ctx context.Context, f *publishFlags, cfg *config.Config) int {
	rate, problems := f.check(cfg)
	if len(problems) > 0 {
		problems.Report(p.stderr, "publish")
		return config.ExitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := publishClient{base: adminURL(cfg.Server.Admin.Addr), flags: f, program: p}
	var err error
	if f.NDJSON != "" {
		err = c.pipeline(ctx, rate)
	} else {
		err = c.single(ctx)
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "gateway publish: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// check returns --rate and all that is wrong with the flags.
func (f *publishFlags) check(cfg *config.Config) (rate float64, problems config.Problems) {
	add := func(setting, value, message string) {
		problems = append(problems, config.Problem{Setting: setting, Value: value, Message: message})
	}
	rate, err := strconv.ParseFloat(f.Rate, 64)
	if err != nil || !(rate >= 0 && rate <= maxAskedRate) {
		add("--rate", f.Rate, "write lines a second, such as 1000, or 0")
	}
	switch {
	case f.NDJSON == "" && f.Topic == "":
		add("TOPIC", "", "name the topic to publish to, or lines with --ndjson FILE")
	case f.NDJSON != "" && (f.Topic != "" || f.Event != "" || f.MsgID != ""):
		add("--ndjson", f.NDJSON, "each line has its own topic, event and msgid; leave out TOPIC, DATA, --event and --msg-id")
	}
	if cfg.Server.Admin.Addr == "" {
		add("--admin", "off", "name the private listener of the gateway to publish through, such as 127.0.0.1:9090")
	}
	return rate, problems
}

// adminURL returns the URL of a private listener; one on all addresses is reached on loopback.
func adminURL(addr string) string {
	host, port, _ := net.SplitHostPort(addr) // the settings have been checked
	return "http://" + net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port)
}

// publishClient is one run of the sub-command.
type publishClient struct {
	base    string
	flags   *publishFlags
	program program
}

// single publishes one message and prints the result.
func (c *publishClient) single(ctx context.Context) error {
	payload := []byte(c.flags.Data)
	if c.flags.Data == "" {
		var err error
		if payload, err = readAll(ctx, c.program.stdin); err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	resp, err := c.post(ctx, "/v1/topics/"+url.PathEscape(c.flags.Topic), bytes.NewReader(payload))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(c.program.stdout, resp.Body)
	return err
}

// readAll reads until in or ctx ends. A read that waits stays behind when ctx ends: the process is about to end as well.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	var (
		text []byte
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		text, err = io.ReadAll(in)
	}()
	select {
	case <-done:
		return text, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// post sends a request; an answer other than 200 is an error.
func (c *publishClient) post(ctx context.Context, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Tickgate-Event": c.flags.Event, "Nats-Msg-Id": c.flags.MsgID} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.flags.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.flags.Key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w; is a gateway running? --admin names its private listener", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, answered(resp)
	}
	return resp, nil
}

// answered is an answer that is no success as an error.
func answered(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText))
	return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
}

// maxErrorText bounds what is shown of an answer that is no success.
const maxErrorText = 4 << 10
