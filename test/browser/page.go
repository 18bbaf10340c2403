package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Page is a tab. All methods are safe for concurrent use.
type Page struct {
	browser *Browser
	session string

	mu       sync.Mutex
	troubles []string // guarded by mu
	requests []string // guarded by mu
}

// View is what a page thinks it is shown on.
type View struct {
	Width, Height int     // CSS pixels
	Scale         float64 // device pixels in one; default 1
	Dark          bool
}

// Open opens an empty page with a view. What it asks for and complains of is kept from the beginning.
func (b *Browser) Open(ctx context.Context, view View) (*Page, error) {
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := b.call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return nil, err
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	if err := b.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	p := &Page{browser: b, session: attached.SessionID}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		if err := p.call(ctx, domain+".enable", nil, nil); err != nil {
			return nil, err
		}
	}
	return p, p.Show(ctx, view)
}

// Show changes the view.
func (p *Page) Show(ctx context.Context, view View) error {
	if view.Scale == 0 {
		view.Scale = 1
	}
	metrics := map[string]any{"width": view.Width, "height": view.Height, "deviceScaleFactor": view.Scale, "mobile": false}
	if err := p.call(ctx, "Emulation.setDeviceMetricsOverride", metrics, nil); err != nil {
		return err
	}
	scheme := "light"
	if view.Dark {
		scheme = "dark"
	}
	media := map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}
	return p.call(ctx, "Emulation.setEmulatedMedia", media, nil)
}

// Load goes to a URL; it does not wait for more than the answer's beginning.
func (p *Page) Load(ctx context.Context, url string) error {
	var answer struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.call(ctx, "Page.navigate", map[string]any{"url": url}, &answer); err != nil {
		return err
	}
	if answer.ErrorText != "" {
		return fmt.Errorf("load %s: %s", url, answer.ErrorText)
	}
	return nil
}

// Evaluate fills result with the JSON value of an expression in the page; a promise is awaited.
func (p *Page) Evaluate(ctx context.Context, expression string, result any) error {
	var answer struct {
		Result    struct{ Value json.RawMessage }
		Exception *struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}
	if err := p.call(ctx, "Runtime.evaluate", params, &answer); err != nil {
		return err
	}
	if e := answer.Exception; e != nil {
		return fmt.Errorf("evaluate %s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if result == nil || answer.Result.Value == nil {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// Key presses a key by its name in KeyboardEvent.key, such as ArrowLeft.
func (p *Page) Key(ctx context.Context, key string) error {
	for _, kind := range []string{"keyDown", "keyUp"} {
		if err := p.call(ctx, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Screenshot returns a PNG of the view, or of the whole page.
func (p *Page) Screenshot(ctx context.Context, whole bool) ([]byte, error) {
	var shot struct {
		Data []byte `json:"data"`
	}
	err := p.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	return shot.Data, err
}

// Troubles are what the page complained of so far: exceptions, errors in the console, and what the browser refused to load or run.
func (p *Page) Troubles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.troubles)
}

// Requests are the URLs that the page has asked for.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func (p *Page) call(ctx context.Context, method string, params, result any) error {
	if params == nil {
		params = struct{}{}
	}
	return p.browser.call(ctx, p.session, method, params, result)
}

// event takes what the page reports.
func (p *Page) event(m message) {
	var e struct {
		Request   struct{ URL string }
		Exception struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
		Entry struct{ Level, Text, URL string }
		Type  string
		Args  []struct {
			Value       any
			Description string
		}
	}
	if json.Unmarshal(m.Params, &e) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Network.requestWillBeSent":
		p.requests = append(p.requests, e.Request.URL)
	case "Runtime.exceptionThrown":
		p.troubles = append(p.troubles, e.Exception.Text+" "+e.Exception.Exception.Description)
	case "Log.entryAdded":
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			p.troubles = append(p.troubles, e.Entry.Text+" "+e.Entry.URL)
		}
	case "Runtime.consoleAPICalled":
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			p.troubles = append(p.troubles, fmt.Sprint(e.Type, " ", e.Args))
		}
	}
}
