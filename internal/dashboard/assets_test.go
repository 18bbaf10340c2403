package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Every file that the page names is there, with its type, and with a policy that lets nothing else in.
func TestPage(t *testing.T) {
	base := start(t, "127.0.0.1:1", nobody)
	page, header := fetch(t, base+"/")
	if got := header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("/: got type %s", got)
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"} {
		if got := header.Get("Content-Security-Policy"); !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
			t.Errorf("/: got policy %s, want %s and nothing unsafe", got, want)
		}
	}
	for _, file := range named(t, page) {
		_, header := fetch(t, base+file)
		want := map[string]string{"mjs": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[file[len(file)-3:]]
		if got := header.Get("Content-Type"); got != want {
			t.Errorf("%s: got type %q, want %q", file, got, want)
		}
		checkNotModified(t, base+file, header.Get("ETag"))
	}
}

// named returns what the page loads and checks that it holds no script or style of its own.
func named(t *testing.T, page string) (files []string) {
	t.Helper()
	document, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range document.Descendants() {
		if (n.Data == "script" || n.Data == "style") && n.FirstChild != nil {
			t.Errorf("the page has a %s of its own: %.40s", n.Data, n.FirstChild.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s>: the policy forbids it", n.Data, a.Key)
			}
			if a.Key == "src" || a.Key == "href" && n.Data == "link" {
				files = append(files, a.Val)
			}
		}
	}
	if len(files) < 4 {
		t.Errorf("got files %q, want an icon, two style sheets and a module", files)
	}
	return files
}

// Modules import only modules that are here.
func TestModules(t *testing.T) {
	files, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	imports := regexp.MustCompile(`(?m)^import .* from '([^']+)'`)
	for name, file := range files {
		if !strings.HasSuffix(name, ".mjs") {
			continue
		}
		for _, to := range imports.FindAllSubmatch(file.body, -1) {
			if files[strings.TrimPrefix(string(to[1]), "./")] == nil {
				t.Errorf("%s imports %s, which is not here", name, to[1])
			}
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"} {
			if strings.Contains(string(file.body), sink) {
				t.Errorf("%s: got %s in it", name, sink)
			}
		}
	}
}

// The library's files are those that were released.
func TestVendoredFiles(t *testing.T) {
	files, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	sums := regexp.MustCompile(`(?m)^([0-9a-f]{64})  (\S+)$`).FindAllSubmatch(files["uplot/README.md"].body, -1)
	if len(sums) != 3 {
		t.Errorf("uplot/README.md: got %d sums, want 3", len(sums))
	}
	for _, line := range sums {
		name := "uplot/" + string(line[2])
		if files[name] == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if sum := sha256.Sum256(files[name].body); hex.EncodeToString(sum[:]) != string(line[1]) {
			t.Errorf("%s: got sum %x, want %s", name, sum, line[1])
		}
	}
}

func TestUnknownFile(t *testing.T) {
	base := start(t, "127.0.0.1:1", nobody)
	for _, path := range []string{"/dashboard/", "/dashboard/nothing.mjs", "/dashboard/assets/app.mjs"} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, resp.StatusCode)
		}
	}
}

func checkNotModified(t *testing.T, url, tag string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("If-None-Match", tag)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if tag == "" || resp.StatusCode != http.StatusNotModified {
		t.Errorf("%s with its tag %q: got %d, want 304", url, tag, resp.StatusCode)
	}
}

// fetch returns the body of a page that must be there.
func fetch(t *testing.T, url string) (string, http.Header) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d, %v: %s", url, resp.StatusCode, err, body)
	}
	return string(body), resp.Header
}
