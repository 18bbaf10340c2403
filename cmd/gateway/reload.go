package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"tickgate/internal/config"
	"tickgate/internal/hub"
	"tickgate/internal/prefork"
)

const (
	// sweepEvery and sweepTopics: a million topics are swept in 50 s, at the price of a millisecond of each second.
	sweepEvery  = time.Second
	sweepTopics = 20_000
	// retopicPatience bounds how long a worker that is starting is waited for.
	retopicPatience = 20 * time.Second
	retopicAgain    = 100 * time.Millisecond
	// maxTopicsBody bounds what a worker reads of the supervisor.
	maxTopicsBody = 16 << 20
)

// topicConfig translates the settings of topics for the hub.
func topicConfig(t config.Topics) func(name string) hub.TopicConfig {
	return func(name string) hub.TopicConfig {
		rule := t.For(name)
		c := hub.TopicConfig{Policy: hub.Latest, RingSize: rule.Ring, RingBytes: int(rule.RingBytes), TTL: *rule.TTL, Class: rule.Pattern}
		if rule.Policy == config.PolicyAll {
			c.Policy = hub.All
		}
		return c
	}
}

// sweep keeps the hub's topics as they should be until the context ends.
func (n *node) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.hub.Sweep(time.Now(), sweepTopics)
		case r := <-n.retopic:
			n.topics.Store(&r.topics)
			n.hub.Reconfigure(topicConfig(r.topics))
			n.hub.Sweep(time.Now(), math.MaxInt)
			close(r.done)
		}
	}
}

// retopicker hands new settings of topics to whoever serves clients.
type retopicker func(context.Context, config.Topics) error

// reloads reads the settings again at every SIGHUP, also one that came before, until the returned function is called. What
// is not about topics stays as it was at the start, the name of the file of publish keys too.
func (g *gateway) reloads(ctx context.Context, apply retopicker) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-g.hangups:
				g.reload(ctx, apply)
			}
		}
	}()
	return cancel
}

// reload reads the settings again, and the publish keys. If there is anything wrong with them, all stays as it is.
func (g *gateway) reload(ctx context.Context, apply retopicker) {
	var complaints bytes.Buffer
	cfg, _ := config.Parse(g.program.args, io.Discard, &complaints, g.program.environ)
	if cfg == nil {
		g.log.Error("settings stay as they are", "why", complaints.String())
		return
	}
	keys, err := loadKeys(g.cfg.Server.PublishKeys, g.log)
	if err != nil {
		g.log.Error("settings stay as they are", "why", err)
		return
	}
	g.keys.Store(keys)
	g.topics.Store(&cfg.Topics)
	warnOfStrangers(cfg.Topics.Rules, keys, g.log)
	if err := apply(ctx, cfg.Topics); err != nil {
		g.log.Error("new settings of topics", "error", err)
		return
	}
	g.log.Info("settings of topics read again", "file", cfg.File, "rules", len(cfg.Topics.Rules), "publish-keys", g.cfg.Server.PublishKeys)
}

// retopic asks sweep to bring in new settings of topics.
type retopic struct {
	topics config.Topics
	done   chan struct{} // closed once they hold
}

// reconfigure is a retopicker for the process's own node. It returns when the settings hold.
func (n *node) reconfigure(ctx context.Context, t config.Topics) error {
	r := retopic{topics: t, done: make(chan struct{})}
	select {
	case n.retopic <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retopicWorkers returns a retopicker for worker processes. One that is just starting may have its orders from before.
func retopicWorkers(workers *prefork.Supervisor) retopicker {
	return func(ctx context.Context, t config.Topics) error {
		body, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode settings of topics: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, retopicPatience)
		defer cancel()
		for _, w := range workers.Workers() {
			for err = putTopics(ctx, w, body); err != nil; err = putTopics(ctx, w, body) {
				if !pause(ctx, retopicAgain) {
					return fmt.Errorf("worker %d: %w", w.ID(), err)
				}
			}
		}
		return nil
	}
}

// pause waits; it reports false if the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// topicsPath is where a worker takes new settings of topics, on the channel that only the supervisor can open.
const topicsPath = "/topics"

// withTopics adds topicsPath to what a worker answers.
func withTopics(h http.Handler, apply retopicker) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("PUT "+topicsPath, func(w http.ResponseWriter, r *http.Request) {
		var t config.Topics
		if err := json.NewDecoder(io.LimitReader(r.Body, maxTopicsBody)).Decode(&t); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := apply(r.Context(), t); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}

// putTopics hands new settings of topics to one worker.
func putTopics(ctx context.Context, w *prefork.Worker, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, prefork.BaseURL+topicsPath, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("request %s: %w", topicsPath, err)
	}
	resp, err := w.Client().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answer to %s: %s", topicsPath, resp.Status)
	}
	return nil
}
