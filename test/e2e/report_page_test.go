package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tickgate/internal/trial"
)

// probe is added to the page: it moves a pointer over every picture and notes what the browser made of the page.
const probe = `<script>
const tips = [];
for (const svg of document.querySelectorAll("svg[data-hover]")) {
  const box = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
  tips.push(document.getElementById("tip").textContent);
}
const out = document.createElement("pre");
out.id = "probe";
out.textContent = JSON.stringify({
  tips, loaded: performance.getEntriesByType("resource").length, download: document.getElementById("download").href.slice(0, 5),
  wide: document.documentElement.scrollWidth > innerWidth,
});
document.body.append(out);
</script>`

// TestReportPage: the page of a real run works in a real browser, from a file, without loading anything, and on a narrow screen too.
func TestReportPage(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		chromium := need(t, "chromium")
		g := startGateway(t, setup{flags: map[string]string{"feed-interval": "200ms"}})
		file := filepath.Join(t.TempDir(), "report.html")
		got, _ := swarm(t, g, 2*patience, "--conns=200", "--ticks=20", "--rate=100", "--report="+file)
		if got.code != 0 {
			t.Fatalf("got exit code %d:\n%s", got.code, got.output)
		}
		page, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := page.WriteString(probe); err != nil {
			t.Fatal(err)
		}
		if err := page.Close(); err != nil {
			t.Fatal(err)
		}
		seen := runToEnd(t, 2*patience, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad", "--no-first-run", "--no-proxy-server",
			"--enable-logging=stderr", "--window-size=500,900", "--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+file)
		found := regexp.MustCompile(`<pre id="probe">(.*)</pre>`).FindStringSubmatch(seen.output)
		if found == nil {
			t.Fatalf("got nothing from the page:\n%s", tail(seen.output, 20))
		}
		for _, want := range []string{"200 connected", "of the messages", "last client", `"loaded":0`, `"download":"blob:"`, `"wide":false`} {
			if !strings.Contains(found[1], want) {
				t.Errorf("got %s, want %s in it", found[1], want)
			}
		}
		for _, trouble := range []string{"Uncaught", "Error:", "Refused to"} {
			if i := strings.Index(seen.output, "CONSOLE"); i >= 0 && strings.Contains(seen.output[i:], trouble) {
				t.Errorf("the browser's console says %s", tail(seen.output[i:], 3))
			}
		}
	})
}
