package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

// assets are the page's files; none comes from anywhere else.
//
//go:embed assets/*.html assets/*.css assets/*.mjs assets/*.svg assets/uplot/*
var assets embed.FS

// policy is the page's Content-Security-Policy (https://www.w3.org/TR/CSP3/): it loads files of this listener, asks this listener,
// and turns no text into markup or code. A name that somebody gave to a topic cannot become a script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// asset is a file with what its answer says about it.
type asset struct {
	name, contentType, tag string
	body                   []byte
}

// readAssets returns the files by their path below /dashboard/.
func readAssets() (map[string]*asset, error) {
	files := map[string]*asset{}
	err := fs.WalkDir(assets, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := assets.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		files[name[len("assets/"):]] = &asset{
			name: path.Base(name), contentType: contentType(name), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, body: body,
		}
		return nil
	})
	return files, err
}

// contentType returns a file's type. The machine's own table of types must not decide whether a browser runs a module.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".mjs", ".js":
		return "text/javascript; charset=utf-8"
	case ".md", "":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name)) // .html, .css and .svg are built into package mime
}

// ServeHTTP implements http.Handler.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // another version of the gateway has other files under the same names
	h.Set("ETag", a.tag)
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(a.body))
}
