package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// rewriter turns x into y, and takes the field X-Secret away.
type rewriter struct {
	handler
	rewrite func(*http.Response) error
}

func (r *rewriter) Fields(h http.Header) { delete(h, "X-Secret") }

func (r *rewriter) Rewrite(res *http.Response) error {
	if r.rewrite != nil {
		return r.rewrite(res)
	}
	res.Body = &swapped{res.Body}
	return nil
}

type swapped struct{ io.ReadCloser }

func (s *swapped) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	copy(p, strings.ReplaceAll(string(p[:n]), "x", "y"))
	return n, err
}

// overBothRewriting is a gateway whose one route leads to an API, over each transport.
func overBothRewriting(t *testing.T, upstream http.HandlerFunc, test func(t *testing.T, f *front, w *rewriter)) {
	for _, standard := range []bool{false, true} {
		t.Run(fmt.Sprintf("standard %v", standard), func(t *testing.T) {
			route := &routing.Route{Upstream: routing.Upstream{Addresses: newUpstream(t, upstream), Standard: standard}}
			route.Access.API = &routing.API{}
			w := &rewriter{}
			f := newFront(t, route, proxy.Options{})
			f.rewriter = w
			test(t, f, w)
		})
	}
}

func ask(t *testing.T, f *front, method, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, _ := http.NewRequest(method, f.URL+path, nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

func TestAnswersOfAnAPIAreRewritten(t *testing.T) {
	overBothRewriting(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Secret", "s")
		switch r.URL.Path {
		case "/api/sized":
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "axa")
		case "/api/304":
			w.Header().Set("Etag", `"1"`)
			w.WriteHeader(304)
		case "/api/trailer":
			w.Header().Set("Trailer", "X-Secret, X-Other")
			_, _ = io.WriteString(w, "axa")
			w.Header().Set("X-Other", "o")
		case "/api/hints":
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			_, _ = io.WriteString(w, "axa")
		case "/api/asked":
			_, _ = fmt.Fprint(w, r.Header["Accept-Encoding"], r.Header["Range"], r.Header["If-Range"])
		}
	}, func(t *testing.T, f *front, w *rewriter) {
		for path, want := range map[string]string{"sized": "aya 3", "304": " -1", "trailer": "aya -1", "hints": "aya 3"} {
			res, body := ask(t, f, "GET", "/api/"+path)
			if path == "304" {
				res.ContentLength = -1
			}
			if got := fmt.Sprint(body, " ", res.ContentLength); got != want || res.Header["X-Secret"] != nil || res.Trailer["X-Secret"] != nil {
				t.Errorf("%s: %q, want %q, %v %v", path, got, want, res.Header, res.Trailer)
			}
			if path == "trailer" && res.Trailer.Get("X-Other") != "o" {
				t.Errorf("trailer: %v", res.Trailer)
			}
		}
		if res, _ := ask(t, f, "HEAD", "/api/sized"); res.ContentLength != 3 || res.Header["X-Secret"] != nil {
			t.Errorf("HEAD: %d %v", res.ContentLength, res.Header)
		}
		for dest, want := range map[string]string{
			"empty": "[identity] [] []", "document": "[identity] [] []", "": "[identity] [] []", "json": "[identity] [] []", "iframe": "[identity] [] []",
			"image": "[gzip, br] [bytes=0-1] [e]", "script": "[gzip] [] []", "style": "[gzip] [] []",
		} {
			_, body := ask(t, f, "GET", "/api/asked", "Accept-Encoding: gzip, br", "Range: bytes=0-1", "If-Range: e", "Sec-Fetch-Dest: "+dest)
			if body != want {
				t.Errorf("destination %q: the upstream got %s, want %s", dest, body, want)
			}
		}
		w.rewrite = func(*http.Response) error { return errors.New("unreadable") }
		if res, body := ask(t, f, "GET", "/api/sized"); res.StatusCode != 502 || res.Header["X-Secret"] != nil || strings.Contains(body, "axa") {
			t.Errorf("refused: %d %v %s", res.StatusCode, res.Header, body)
		}
		if failure := <-f.failures; failure.Kind != proxy.Replaced {
			t.Errorf("%v", failure)
		}
	})
}

func TestARewrittenBodyMayHaveAnotherLength(t *testing.T) {
	overBothRewriting(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/empty" {
			w.WriteHeader(http.StatusCreated)
			return
		}
		_, _ = io.WriteString(w, "axa")
	}, func(t *testing.T, f *front, w *rewriter) {
		w.rewrite = func(res *http.Response) error {
			old := res.Body
			res.ContentLength, res.Body = 8, struct {
				io.Reader
				io.Closer
			}{strings.NewReader("rewrites"), old}
			return nil
		}
		for _, path := range []string{"/api/x", "/api/empty"} {
			if res, body := ask(t, f, "GET", path); body != "rewrites" || res.ContentLength != 8 {
				t.Errorf("%s: %q %d", path, body, res.ContentLength)
			}
		}
		w.rewrite = func(res *http.Response) error {
			res.ContentLength = -1
			return nil
		}
		if res, body := ask(t, f, "GET", "/api/x"); body != "axa" || res.Header["Content-Length"] != nil && res.ContentLength != 3 {
			t.Errorf("%q %v", body, res.Header)
		}
	})
}

// A piece of a stream is rewritten and on its way before the next one comes.
func TestRewrittenStreamsFlow(t *testing.T) {
	next := make(chan struct{})
	overBothRewriting(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "x\n")
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}, func(t *testing.T, f *front, _ *rewriter) {
		res, err := http.Get(f.URL + "/api/stream")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for range 3 {
			if !lines.Scan() || lines.Text() != "y" {
				t.Fatalf("%q %v", lines.Text(), lines.Err())
			}
			next <- struct{}{}
		}
	})
}
