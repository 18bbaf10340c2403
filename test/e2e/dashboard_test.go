package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tickgate/test/browser"
)

// dashboardPatience is for a browser that shares two cores with all other tests.
const dashboardPatience = 60 * time.Second

// dashboard is a page in a browser.
type dashboard struct {
	*browser.Page
	t *testing.T
}

// openDashboard opens the page of a private listener; the browser is gone when the test ends.
func openDashboard(t *testing.T, admin string, view browser.View) dashboard {
	t.Helper()
	b, err := browser.Start(need(t, "chromium"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if output := b.Close(); t.Failed() {
			t.Logf("chromium printed:\n%s", tail(output, 20))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), dashboardPatience)
	defer cancel()
	page, err := b.Open(ctx, view)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Load(ctx, "http://"+admin+"/#minutes=10"); err != nil {
		t.Fatal(err)
	}
	return dashboard{page, t}
}

// text evaluates an expression in the page and returns its value as text, "" if there is none yet.
func (d dashboard) text(expression string) (text string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), dashboardPatience)
	defer cancel()
	if err := d.Evaluate(ctx, "String("+expression+" ?? '')", &text); err != nil {
		d.t.Fatal(err)
	}
	return text
}

// await waits until an expression holds in the page, which may lack some of its elements at first.
func (d dashboard) await(what, condition string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), dashboardPatience)
	defer cancel()
	var met bool
	var err error
	if !holds(dashboardPatience, func() bool {
		err = d.Evaluate(ctx, "Boolean("+condition+")", &met)
		return err == nil && met
	}) {
		d.t.Fatalf("got no %s within %v (%v); troubles %q, the page says:\n%s", what, dashboardPatience, err, d.Troubles(), d.text("document.body.innerText"))
	}
}

// key presses a key as often as given.
func (d dashboard) key(name string, times int) {
	d.t.Helper()
	for range times {
		if err := d.Key(d.t.Context(), name); err != nil {
			d.t.Fatal(err)
		}
	}
}

// checkQuiet fails the test if the page complained, of anything but what is expected, or asked another host.
func (d dashboard) checkQuiet(admin string, expected ...string) {
	d.t.Helper()
	for _, trouble := range d.Troubles() {
		if !slices.ContainsFunc(expected, func(e string) bool { return strings.Contains(trouble, e) }) {
			d.t.Errorf("the page complains: %s", trouble)
		}
	}
	requests := d.Requests()
	if len(requests) < 10 {
		d.t.Errorf("got requests %q, want the page and all its files", requests)
	}
	for _, request := range requests {
		if u, err := url.Parse(request); err != nil || u.Host != admin {
			d.t.Errorf("the page asked for %s, want files of %s only", request, admin)
		}
	}
}

const (
	live = `document.querySelector('#status').dataset.state === 'live'`
	// row is the row of worker 0 in the table of processes.
	row = `document.querySelector('#processes tbody tr')`
	// colours is the number of different colours in the heat map; axes and text are grey. It looks at a copy: a canvas that is read often warns.
	colours = `(() => { const c = document.querySelector('#latency canvas'); const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });
		copy.drawImage(c, 0, 0); const d = copy.getImageData(0, 0, c.width, c.height).data; const found = new Set();
		for (let i = 0; i < d.length; i += 4) if (Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60) found.add(d[i] << 16 | d[i+1] << 8 | d[i+2]);
		return found.size })()`
)

// tile is the value of a tile on top by its name.
func tile(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#tiles div')].find((d) => d.querySelector('dt').textContent === %q).querySelector('dd').textContent`, name)
}

// value is what a panel's legend says of a series.
func value(panel, series string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#%s .u-series')].find((s) => s.querySelector('.u-label').textContent === %q)?.querySelector('.u-value').textContent`,
		panel, series)
}

// TestDashboard: the page of a gateway with two workers shows its clients, its ticks and their latencies, goes on by itself, works with a keyboard and
// on a narrow screen, and shows that a worker was killed.
func TestDashboard(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1"}})
	for range 20 {
		openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 1)
		openWS(t, "ws://"+g.Addr+"/ws").wait(t, 1)
	}
	d := openDashboard(t, g.Admin, browser.View{Width: 1280, Height: 900})
	d.await("live samples", live)
	d.await("all clients, and the page's own", tile("Connections")+` === '41'`)
	d.await("clients by transport", value("connections-by-transport", "WebSocket")+` === '20' && `+value("connections-by-transport", "SSE")+` === '21'`)
	d.await("clients by worker", value("connections-by-worker", "worker 0")+` > 0 && `+value("connections-by-worker", "worker 1")+` > 0`)
	d.await("deliveries", `parseInt(`+tile("Deliveries")+`) > 0`)
	d.await("latencies", tile("Latency p99")+`.endsWith('s') && `+colours+` > 2`)
	d.await("prices", value("price", "ACME")+` > 0`)
	d.await("what the processes take", value("memory", "RSS")+`.endsWith('MiB') && `+value("processor", "cores")+` >= 0 && `+tile("Kernel TCP")+`.endsWith('iB')`)
	time1, price1 := d.text(value("price", "time")), d.text(value("price", "ACME"))
	d.await("another price at another time", value("price", "time")+" !== '"+time1+"' && "+value("price", "ACME")+" !== '"+price1+"'")

	d.text(`document.querySelector('#memory').focus()`)
	shown := d.text(value("memory", "time"))
	d.key("ArrowLeft", 3)
	d.await("an earlier time in all plots under the cursor",
		value("memory", "time")+` < '`+shown+`' && `+value("fan-out", "time")+` === `+value("memory", "time"))
	d.text(`document.querySelector('#latency').focus()`)
	d.key("End", 1)
	d.await("words for the cell under the cursor", `/deliveries a second took .* to /.test(document.querySelector('#latency .note').textContent)`)
	d.key("Escape", 1)

	if err := d.Show(t.Context(), browser.View{Width: 390, Height: 844, Dark: true}); err != nil {
		t.Fatal(err)
	}
	d.await("fit for a narrow screen", `document.documentElement.scrollWidth <= 390 && document.querySelector('#latency canvas').clientWidth < 380`)
	d.await("dark plots", colours+` > 2 && getComputedStyle(document.body).backgroundColor === 'rgb(11, 15, 22)'`)

	if err := syscall.Kill(g.workers()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.await("restarted worker", `[...document.querySelectorAll('#processes tbody tr')].some((r) => r.cells[7].textContent === '1' && r.cells[1].textContent === 'up')`)
	d.checkQuiet(g.Admin)

	if got := d.text(`(() => { try { document.body.innerHTML = 'x'; return 'allowed' } catch (e) { return e.name } })()`); got != "TypeError" {
		t.Errorf("markup from text: got %s, want it refused by the page's policy", got)
	}
}

// TestDashboardWorkerDown: a worker that does not answer is shown as such while the others' numbers go on.
func TestDashboardWorkerDown(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1"}})
	d := openDashboard(t, g.Admin, browser.View{Width: 1280, Height: 900})
	d.await("live samples", live+` && `+row)
	hung := g.workers()[0]
	if err := syscall.Kill(hung, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d.await("a worker that is down", `document.querySelector('#processes tr.down td').textContent.startsWith('down: ')`)
	d.await("it in the place of the other", `document.querySelectorAll('#processes tr.down').length === 0 && `+live)
	d.checkQuiet(g.Admin)
}

// front stands for an ssh tunnel that outlives the gateway behind it.
type front struct {
	net.Listener
	behind atomic.Pointer[string] // host:port
}

func newFront(t *testing.T, behind string) *front {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{Listener: listener}
	f.behind.Store(&behind)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go f.carry(client)
		}
	}()
	return f
}

func (f *front) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", *f.behind.Load())
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// TestDashboardRestart: when the gateway goes away the page says so, and when it is back the page is too, with what it had before.
func TestDashboardRestart(t *testing.T) {
	t.Parallel()
	first := startGateway(t, setup{})
	tunnel := newFront(t, first.Admin)
	d := openDashboard(t, tunnel.Addr().String(), browser.View{Width: 1280, Height: 900})
	d.await("live samples and prices", live+` && `+value("price", "ACME")+` > 0 && `+value("memory", "time"))
	before := d.text(value("memory", "time"))
	first.kill(t)
	d.await("word that nobody is there", `document.querySelector('#status').textContent.startsWith('disconnected since ')`)
	second := startGateway(t, setup{})
	tunnel.behind.Store(&second.Admin)
	d.await("live samples again", live+` && `+value("memory", "time")+` > '`+before+`'`)
	d.text(`document.querySelector('#memory').focus()`)
	d.key("Home", 1)
	d.await("what there was before", value("memory", "time")+` <= '`+before+`' && `+value("memory", "RSS")+`.endsWith('MiB')`)
	d.checkQuiet(tunnel.Addr().String(), "net::ERR_")
}

// TestDashboardModules runs the tests of the page's modules.
func TestDashboardModules(t *testing.T) {
	t.Parallel()
	node := need(t, "node")
	tests, err := filepath.Glob("../../internal/dashboard/testdata/*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("got tests %q, %v", tests, err)
	}
	if out, err := exec.Command(node, append([]string{"--test"}, tests...)...).CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}
