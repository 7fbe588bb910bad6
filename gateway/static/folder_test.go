package static_test

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
)

//go:embed testdata/app
var embedded embed.FS

const html = "text/html,application/xhtml+xml;q=0.9"

func newFolder(t testing.TB, files fs.FS, csp string) http.Handler {
	t.Helper()
	s, err := static.New(files, static.Options{CSP: csp})
	if err != nil {
		t.Fatal(err)
	}
	table, err := routing.NewTable([]*routing.Route{{Path: "/", Static: files}, {Path: "/app", Static: files}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answerFile(w, s.Serve(w, r, m.Target))
	})
}

// answerFile writes the status of an error, as every caller of Serve must.
func answerFile(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
	case errors.Is(err, static.ErrMethodNotAllowed):
		http.Error(w, "method_not_allowed", http.StatusMethodNotAllowed)
	case errors.Is(err, static.ErrNotFound):
		http.Error(w, "not_found", http.StatusNotFound)
	default:
		http.Error(w, "unexpected: "+err.Error(), http.StatusInternalServerError)
	}
}

func ask(h http.Handler, method, target string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.RequestURI = target
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func testFiles() fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range []string{
		"index.html", "docs/index.html", "assets/app-BcDz4x8e.js", "assets/app.1a2b3c4d.css", "assets/app-1A2B3C4D.js.map", "my-component.js",
		"my-component2.js", "app-20260101.js", "logo.svg", "data.bin", ".env", ".git/config", "docs/.secret", "a b.txt", "caf\u00e9.txt",
	} {
		files[name] = &fstest.MapFile{Data: []byte(name), ModTime: time.Unix(1700000000, 0)}
	}
	return files
}

func TestServes(t *testing.T) {
	h := newFolder(t, testFiles(), "")
	const hashed, fresh = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct{ method, target, accept, mode, body, cache string }{
		{"GET", "/", "", "", "index.html", fresh},
		{"GET", "/index.html", "", "", "index.html", fresh},
		{"GET", "/?x=1", html, "navigate", "index.html", fresh},
		{"GET", "/orders/7", html, "navigate", "index.html", fresh},
		{"GET", "/orders/", html, "", "index.html", fresh},
		{"GET", "/docs/", html, "", "docs/index.html", fresh},
		{"GET", "/app", html, "", "index.html", fresh},
		{"GET", "/app/logo.svg", "", "", "logo.svg", fresh},
		{"GET", "/assets/app-BcDz4x8e.js", "", "cors", "assets/app-BcDz4x8e.js", hashed},
		{"GET", "/assets/app.1a2b3c4d.css", "", "", "assets/app.1a2b3c4d.css", hashed},
		{"GET", "/assets/app-1A2B3C4D.js.map", "", "", "assets/app-1A2B3C4D.js.map", hashed},
		{"GET", "/my-component.js", "", "", "my-component.js", fresh},
		{"GET", "/my-component2.js", "", "", "my-component2.js", fresh},
		{"GET", "/app-20260101.js", "", "", "app-20260101.js", fresh},
		{"GET", "/a%20b.txt", "", "", "a b.txt", fresh},
		{"GET", "/caf%C3%A9.txt", "", "", "caf\u00e9.txt", fresh},
		{"HEAD", "/", "", "", "", fresh},
	} {
		w := ask(h, c.method, c.target, map[string]string{"Accept": c.accept, "Sec-Fetch-Mode": c.mode})
		if w.Code != 200 || w.Body.String() != c.body || w.Header().Get("Cache-Control") != c.cache || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%+v: %d %q %v", c, w.Code, w.Body, w.Header())
		}
	}
}

func TestRefuses(t *testing.T) {
	h := newFolder(t, testFiles(), "")
	for _, c := range []struct {
		method, target, accept, mode string
		status                       int
	}{
		{"GET", "/missing.js", html, "navigate", 404},
		{"GET", "/missing", "application/json", "", 404},
		{"GET", "/missing", html, "cors", 404},
		{"GET", "/missing", "text/html;q=0, */*", "", 404},
		{"GET", "/missing", "", "", 404},
		{"GET", "/docs", "", "", 404},
		{"GET", "/assets/", "", "", 404},
		{"GET", "/.env", html, "", 404},
		{"GET", "/.git/config", "", "", 404},
		{"GET", "/docs/.secret", html, "", 404},
		{"GET", "/docs/%2esecret", html, "", 404},
		{"GET", "/../etc/passwd", html, "", 400},
		{"GET", "/%2e%2e/etc/passwd", html, "", 400},
		{"GET", "/index.html%00.js", "", "", 400},
		{"POST", "/", html, "", 405},
		{"OPTIONS", "/index.html", "", "", 405},
	} {
		w := ask(h, c.method, c.target, map[string]string{"Accept": c.accept, "Sec-Fetch-Mode": c.mode})
		if w.Code != c.status || c.status == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%+v: %d %q", c, w.Code, w.Body)
		}
	}
}

func TestConditionsAndRanges(t *testing.T) {
	sub, err := fs.Sub(embedded, "testdata/app")
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]fs.FS{"disk": testFiles(), "embedded": sub} {
		h := newFolder(t, files, "")
		tag := ask(h, "GET", "/index.html", nil).Header().Get("Etag")
		if again := ask(h, "GET", "/index.html", nil).Header().Get("Etag"); len(tag) < 6 || tag != again {
			t.Errorf("%s: tags %q and %q", name, tag, again)
		}
		if w := ask(h, "GET", "/index.html", map[string]string{"If-None-Match": tag}); w.Code != 304 || w.Body.Len() > 0 {
			t.Errorf("%s: conditional: %d", name, w.Code)
		}
		w := ask(h, "GET", "/index.html", map[string]string{"Range": "bytes=1-3", "If-Range": tag})
		if w.Code != 206 || w.Body.Len() != 3 {
			t.Errorf("%s: range: %d %q", name, w.Code, w.Body)
		}
	}
}

func TestPolicy(t *testing.T) {
	const ownOrigin = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; " +
		"frame-ancestors 'none'"
	for given, want := range map[string]string{"": ownOrigin, "default-src *": "default-src *", "none": ""} {
		h := newFolder(t, testFiles(), given)
		if got := ask(h, "GET", "/", nil).Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("%q: got %q", given, got)
		}
		if got := ask(h, "GET", "/logo.svg", nil).Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("%q on SVG: got %q", given, got)
		}
	}
	h := newFolder(t, testFiles(), "")
	for target, want := range map[string]string{"/": "text/html; charset=utf-8", "/my-component.js": "text/javascript; charset=utf-8"} {
		if got := ask(h, "GET", target, nil).Header().Get("Content-Type"); got != want {
			t.Errorf("%s: %q", target, got)
		}
	}
	if got := ask(h, "GET", "/my-component.js", nil).Header().Get("Content-Security-Policy"); got != "" {
		t.Errorf("a script has a policy: %q", got)
	}
}

func TestFolderHasNoWayOut(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "app")
	for _, err := range []error{
		os.Mkdir(dir, 0o750),
		os.WriteFile(filepath.Join(outer, "secret.txt"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(dir, "in.txt"), []byte("in"), 0o600),
		os.Symlink("../secret.txt", filepath.Join(dir, "out.txt")),
		os.Symlink(outer, filepath.Join(dir, "up")),
		os.Symlink("in.txt", filepath.Join(dir, "link.txt")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := static.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h := newFolder(t, root.FS(), "")
	for target, want := range map[string]int{"/in.txt": 200, "/link.txt": 200, "/out.txt": 404, "/up/secret.txt": 404, "/..%2fsecret.txt": 400} {
		if w := ask(h, "GET", target, nil); w.Code != want || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
	}
	if _, err := static.Open(filepath.Join(outer, "none")); err == nil {
		t.Error("a missing folder was opened")
	}
}
