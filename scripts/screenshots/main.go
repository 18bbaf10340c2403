// Command screenshots photographs the dashboard of a running gateway in a headless Chromium: wide and narrow, light and dark.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tickgate/test/browser"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// views are the pictures by the end of their names.
var views = []struct {
	name  string
	view  browser.View
	whole bool
}{
	{"light", browser.View{Width: 1280, Height: 900}, true},
	{"dark", browser.View{Width: 1280, Height: 900, Dark: true}, true},
	{"narrow", browser.View{Width: 390, Height: 844, Scale: 2}, false},
}

func run(args []string, stderr io.Writer) int {
	set := flag.NewFlagSet("screenshots", flag.ContinueOnError)
	set.SetOutput(stderr)
	url := set.String("url", "http://127.0.0.1:9090", "the gateway's private listener")
	out := set.String("out", "docs/images", "directory for dashboard-*.png")
	minutes := set.Int("minutes", 2, "time shown: 1, 2, 5 or 10")
	watch := set.Duration("watch", 0, "how long the page is open before the pictures are taken")
	program := set.String("chromium", "chromium", "the browser")
	if set.Parse(args) != nil {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), *watch+2*time.Minute)
	defer cancel()
	page := fmt.Sprintf("%s/#minutes=%d", strings.TrimSuffix(*url, "/"), *minutes)
	if err := photograph(ctx, *program, page, *out, *watch); err != nil {
		_, _ = fmt.Fprintf(stderr, "screenshots: %v\n", err)
		return 1
	}
	return 0
}

// photograph opens the page and writes its pictures.
func photograph(ctx context.Context, program, url, out string, watch time.Duration) error {
	profile, err := os.MkdirTemp("", "tickgate-screenshots-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(profile) }()
	b, err := browser.Start(program, profile)
	if err != nil {
		return err
	}
	defer b.Close()
	page, err := b.Open(ctx, views[0].view)
	if err != nil {
		return err
	}
	if err := page.Load(ctx, url); err != nil {
		return err
	}
	if err := settle(ctx, page, watch); err != nil {
		return err
	}
	for _, v := range views {
		if err := shoot(ctx, page, v.view, v.whole, filepath.Join(out, "dashboard-"+v.name+".png")); err != nil {
			return err
		}
	}
	for _, trouble := range page.Troubles() {
		return fmt.Errorf("the page complains: %s", trouble)
	}
	return nil
}

// settle waits until the page has samples, and then as long as asked for.
func settle(ctx context.Context, page *browser.Page, watch time.Duration) error {
	const live = `new Promise((done) => { const wait = () => document.querySelector('#status')?.dataset.state === 'live' &&
		document.querySelector('#processes tbody tr') ? done(true) : setTimeout(wait, 100); wait() })`
	if err := page.Evaluate(ctx, live, nil); err != nil {
		return fmt.Errorf("wait for the page to get samples: %w", err)
	}
	return pause(ctx, watch)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shoot writes one picture, after the plots have taken their new size and another sample has come.
func shoot(ctx context.Context, page *browser.Page, view browser.View, whole bool, file string) error {
	if err := page.Show(ctx, view); err != nil {
		return err
	}
	if err := pause(ctx, 2500*time.Millisecond); err != nil {
		return err
	}
	png, err := page.Screenshot(ctx, whole)
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644)
}
