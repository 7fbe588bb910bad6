package e2e

import (
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// leaky is an API that gives its tokens away in more answers than that to a login.
type leaky struct {
	*httptest.Server
	access, other, livekit string // tokens: of the session, of a new account, of another service
}

const leakyRefresh = "canary-refresh-0123456789"

func newLeaky(t *testing.T) *leaky {
	mint := func(claims string) string {
		e := base64.RawURLEncoding
		return e.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + e.EncodeToString([]byte(claims)) + ".Y2FuYXJ5"
	}
	a := &leaky{
		access:  mint(`{"iss":"leaky","sub":"ada","exp":4102444800}`),
		other:   mint(`{"iss":"leaky","sub":"new","exp":4102444800}`),
		livekit: mint(`{"iss":"APIlivekit","sub":"ada","video":{}}`),
	}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *leaky) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	pair := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q}`, a.access, leakyRefresh)
	fresh := fmt.Sprintf(`{"user":{"id":7},"data":{"access_token":%q}}`, a.other)
	switch strings.TrimPrefix(r.URL.Path, "/v1") {
	case "/auth/login", "/exact":
		h.Set("Etag", `"1"`)
		h.Set("Content-Digest", "sha-256=:x:")
		_, _ = io.WriteString(w, pair)
	case "/register":
		h.Add("Set-Cookie", "refresh="+leakyRefresh+"; Path=/")
		h.Add("Set-Cookie", "csrftoken=stays")
		h.Set("X-Access-Token", a.other)
		w.WriteHeader(201)
		_, _ = io.WriteString(w, fresh)
	case "/sessions":
		_, _ = fmt.Fprintf(w, `[{"refresh_token":%q},{"refresh_token":"an invitation"},{"jwt":%q},{"token":%q}]`, leakyRefresh, a.other, a.livekit)
	case "/escaped":
		_, _ = io.WriteString(w, `{"access\u005ftoken":"`+strings.ReplaceAll(a.other, "e", `\u0065`)+`"}`)
	case "/text":
		h.Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, pair)
	case "/events":
		h.Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: "+pair+"\n\n")
	case "/gzip":
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, pair)
		_ = z.Close()
	case "/br":
		h.Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, pair)
	case "/part":
		w.WriteHeader(206)
		_, _ = io.WriteString(w, pair)
	case "/social":
		h.Set("Location", "/done?state=1#token="+a.other+"&lang=en")
		w.WriteHeader(302)
	case "/asked":
		_, _ = fmt.Fprintf(w, "%q %q", r.Header["Accept-Encoding"], r.Header["Range"])
	case "/trailer":
		h.Set("Trailer", "X-Access-Token")
		_, _ = io.WriteString(w, "{}")
		h.Set("X-Access-Token", a.other)
	case "/clean":
		_, _ = io.WriteString(w, `{"items":[{"name":"caf\u00e9","token":null,"access":"eyJub3RoaW5n"}]}`)
	}
}

const leakyProvider = `  - name: api
    kind: tokenapi
    base_url: %s/v1
    login: {path: /auth/login}
    reply: {access_token: [access_token, "header:X-Access-Token", "location:token"], refresh_token: [refresh_token, "cookie:refresh"]}
    %s`

func (a *leaky) environment(t *testing.T, keys, routes string) *environment {
	return tokenAPIEnvironment(t, 1, fmt.Sprintf(leakyProvider, a.URL, keys), routes)
}

// TestNoAnswerGivesAScriptAToken: whatever an API answers on whichever route, a page that is signed in,
// and one that is not, gets no token of it; what else the answer holds stays.
func TestNoAnswerGivesAScriptAToken(t *testing.T) {
	t.Parallel()
	a := newLeaky(t)
	s := a.environment(t, "", fmt.Sprintf(`  - {path: /api/, upstreams: [%q], strip_prefix: /api, session: optional}
  - {path: /old/, upstreams: [%q], rewrite: /v1/, session: optional}`, a.URL+"/v1", strings.Replace(a.URL, "127.0.0.1", "localhost", 1)))
	signedIn, nobody := s.browser(), s.browser()
	if got := signedIn.login("ada", "x"); got.status != 200 {
		t.Fatal(got)
	}
	for _, front := range []string{"/old", "/api"} {
		for who, b := range map[string]*browser{"signed in": signedIn, "nobody": nobody} {
			for path, want := range map[string]string{
				"/exact":    `200 {"access_token":"session"`,
				"/register": `201 {"user":{"id":7},"data":{"access_token":"session"`,
				"/sessions": `200 [{"refresh_token":`,
				"/escaped":  `200 {"access\u005ftoken":"session"`,
				"/text":     `200 {"access_token":"session"`,
				"/events":   `200 data: {"access_token":"session"`,
				"/gzip":     `200 {"access_token":"session"`,
				"/br":       `502 `,
				"/part":     `502 `,
				"/social":   `302 `,
				"/trailer":  `200 {}`,
				"/clean":    `200 {"items":[{"name":"caf\u00e9","token":null,"access":"eyJub3RoaW5n"}]}`,
			} {
				got := b.get(front + path)
				all := fmt.Sprint(got, got.header)
				if !strings.HasPrefix(got.String(), want) || strings.Contains(all, a.access) || strings.Contains(all, a.other) ||
					strings.Contains(strings.ReplaceAll(all, `\u0065`, "e"), a.other) {
					t.Errorf("%s, %s%s: %s\n%v", who, front, path, got, got.header)
				}
				switch {
				case path == "/sessions" && (!strings.Contains(got.body, a.livekit) || !strings.Contains(got.body, "an invitation")):
					t.Errorf("%s: what is no token of the API is gone: %s", who, got)
				case path == "/sessions" && who == "signed in" && strings.Contains(got.body, leakyRefresh),
					path != "/sessions" && strings.Contains(all, leakyRefresh):
					t.Errorf("%s, %s: the refresh token: %s", who, path, got)
				case path == "/register" && strings.Join(got.header["Set-Cookie"], " ") != "csrftoken=stays":
					t.Errorf("cookies: %v", got.header["Set-Cookie"])
				case path == "/social" && got.header.Get("Location") != "/done?state=1#lang=en":
					t.Errorf("redirect: %v", got.header)
				case path == "/exact" && (got.header.Get("Etag") != `"1"` || got.header["Content-Digest"] != nil):
					t.Errorf("what is said of the body: %v", got.header)
				case got.status == 502 && (got.code() != "upstream_unreadable" || got.header.Get("X-Sessiongate-Upstream") != "502"):
					t.Errorf("%s", got)
				}
			}
			if got := b.get(front+"/asked", header("Accept-Encoding", "gzip, br"), header("Range", "bytes=0-1")); got.body != `["identity"] []` {
				t.Errorf("the API is asked for %s", got)
			}
		}
	}
	logs := s.logs.String()
	for _, secret := range []string{a.access, a.other, leakyRefresh} {
		if strings.Contains(logs, secret) {
			t.Error("a token is in the log")
		}
	}
	if n := s.logs.count(`a token stood in the answer of GET /register `); n != 1 {
		t.Errorf("the path is named %d times\n%s", n, logs)
	}
}

// TestAliases: an API under a name that only the file can know, and one whose answers are to pass.
func TestAliases(t *testing.T) {
	t.Parallel()
	a := newLeaky(t)
	host := strings.TrimPrefix(a.URL, "http://")
	routes := fmt.Sprintf("  - {path: /api/, upstreams: [%q], rewrite: /v1/, session: none}", a.URL)
	elsewhere := "  - name: api\n    kind: tokenapi\n    base_url: http://api.invalid:8000/v1\n    login: {path: /auth/login}\n    "
	for keys, want := range map[string]string{
		"aliases: []":             a.access,
		"aliases: [" + host + "]": `"session"`,
		"aliases: [" + host + "]\n    placeholder: hidden": `"hidden"`,
		"aliases: [" + host + "]\n    leaks: pass":         a.access,
	} {
		s := tokenAPIEnvironment(t, 1, elsewhere+keys, routes)
		if got := s.browser().get("/api/exact"); !strings.Contains(got.body, want) {
			t.Errorf("%s: %s", keys, got)
		}
		if got := s.browser().get("/api/auth/login"); (got.status == 404) == (keys == "aliases: []") {
			t.Errorf("%s: the login: %s", keys, got)
		}
	}
}
