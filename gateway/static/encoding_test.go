package static_test

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"time"

	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
)

func TestPrecompressed(t *testing.T) {
	new, old := time.Unix(2e9, 0), time.Unix(1e9, 0)
	files := fstest.MapFS{
		"app.js":       {Data: []byte("plain"), ModTime: old},
		"app.js.br":    {Data: []byte("brotli"), ModTime: new},
		"app.js.gz":    {Data: []byte("gzipped"), ModTime: old},
		"page.html":    {Data: []byte("<p>"), ModTime: new},
		"page.html.gz": {Data: []byte("of yesterday"), ModTime: old},
		"lone.css":     {Data: []byte("a{}"), ModTime: old},
	}
	static, err := static.New(files, static.Options{})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		answerFile(w, static.Serve(w, r, routing.Target{Path: path}))
		return w
	}
	tags := map[string]bool{}
	for _, c := range []struct{ path, accept, body, coding, vary string }{
		{"/app.js", "gzip, deflate, br", "brotli", "br", "Accept-Encoding"},
		{"/app.js", "gzip", "gzipped", "gzip", "Accept-Encoding"},
		{"/app.js", "GZIP;q=0.5, br;q=0", "gzipped", "gzip", "Accept-Encoding"},
		{"/app.js", "br ; q=0.0, *", "gzipped", "gzip", "Accept-Encoding"},
		{"/app.js", "*;q=0", "plain", "", "Accept-Encoding"},
		{"/app.js", "br;q=nonsense", "plain", "", "Accept-Encoding"},
		{"/app.js", "", "plain", "", "Accept-Encoding"},
		{"/page.html", "gzip", "<p>", "", ""},
		{"/lone.css", "gzip", "a{}", "", ""},
	} {
		w := get(c.path, "Accept-Encoding", c.accept)
		if w.Code != 200 || w.Body.String() != c.body || w.Header().Get("Content-Encoding") != c.coding || w.Header().Get("Vary") != c.vary {
			t.Errorf("%s, %q: %d %q %v", c.path, c.accept, w.Code, w.Body, w.Header())
		}
		if kind := w.Header().Get("Content-Type"); c.path == "/app.js" && kind != "text/javascript; charset=utf-8" {
			t.Errorf("%q: type %q", c.accept, kind)
		}
		tags[w.Header().Get("Etag")] = true
	}
	if len(tags) != 5 {
		t.Errorf("%d tags for 5 forms: %v", len(tags), tags)
	}
	etag := get("/app.js", "Accept-Encoding", "br").Header().Get("Etag")
	if w := get("/app.js", "Accept-Encoding", "br", "If-None-Match", etag); w.Code != 304 {
		t.Errorf("revalidation: %d", w.Code)
	}
	if w := get("/app.js", "Accept-Encoding", "br", "Range", "bytes=0-2"); w.Code != 206 || w.Body.String() != "bro" {
		t.Errorf("range: %d %q", w.Code, w.Body)
	}
}
