package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"

	"tickgate/internal/admin"
	"tickgate/internal/config"
)

// topicsFlags are what `gateway topics` takes beside --admin, which says where the gateway is.
type topicsFlags struct {
	Prefix string `arg:"" optional:"" help:"Only topics that begin with it."`
	Limit  string `default:"1000" placeholder:"N" help:"At most so many topics."`
}

// command describes the sub-command to the command line's parser, which fills f.
func (f *topicsFlags) command() config.Command {
	return config.Command{Name: "topics", Flags: f, Help: "List the topics of a running gateway (--admin): subscribers, and the messages that can be replayed."}
}

// topics is `gateway topics`. It returns the exit code.
func (p program) topics(ctx context.Context, f *topicsFlags, cfg *config.Config) int {
	if problems := f.check(cfg); len(problems) > 0 {
		problems.Report(p.stderr, "topics")
		return config.ExitUsage
	}
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	query := url.Values{"prefix": {f.Prefix}, "limit": {f.Limit}}
	var page struct {
		Topics []admin.Topic
		More   bool
		Errors []string
	}
	if err := fetchJSON(ctx, adminURL(cfg.Server.Admin.Addr)+"/v1/topics?"+query.Encode(), &page); err != nil {
		_, _ = fmt.Fprintf(p.stderr, "gateway topics: %v\n", err)
		return exitFailed
	}
	table := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TOPIC\tPOLICY\tSUBSCRIBERS\tCONFLATED\tMESSAGES\tOLDEST\tNEWEST")
	for _, t := range page.Topics {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", t.Topic, t.Policy, t.Subscribers, t.Conflated, t.Messages, t.Oldest, t.Newest)
	}
	_ = table.Flush()
	if page.More {
		_, _ = fmt.Fprintln(p.stderr, "gateway topics: there are more; --limit or a prefix shows others")
	}
	for _, e := range page.Errors {
		_, _ = fmt.Fprintf(p.stderr, "gateway topics: not counted: %s\n", e)
	}
	return exitOK
}

// check returns all that is wrong with the flags.
func (f *topicsFlags) check(cfg *config.Config) (problems config.Problems) {
	if n, err := strconv.Atoi(f.Limit); err != nil || n < 1 || n > admin.MaxTopics {
		problems = append(problems, config.Problem{Setting: "--limit", Value: f.Limit, Message: fmt.Sprintf("write a number from 1 to %d", admin.MaxTopics)})
	}
	if cfg.Server.Admin.Addr == "" {
		problems = append(problems, config.Problem{Setting: "--admin", Value: "off", Message: "name the private listener of the gateway to ask, such as 127.0.0.1:9090"})
	}
	return problems
}

// fetchJSON reads a page of the private listener.
func fetchJSON(ctx context.Context, url string, page any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w; is a gateway running? --admin names its private listener", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return answered(resp)
	}
	return json.NewDecoder(resp.Body).Decode(page)
}
