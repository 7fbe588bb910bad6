package e2e

import (
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

const (
	echoRefresh = "-CWcfe536lxLBnJZy5T8Mmp6canary"
	echoSanctum = "17|laravel_sanctum_Z0abcDEF/12+34="
)

// newEchoEnvironment is a gateway in front of an API that shows what it was asked with, as frameworks do in
// their pages for debugging.
func newEchoEnvironment(t *testing.T, access string) *environment {
	t.Helper()
	a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r, access) }))
	t.Cleanup(a.Close)
	return tokenAPIEnvironment(t, 1, fmt.Sprintf("  - name: api\n    kind: tokenapi\n    base_url: %s\n    login: {path: /auth/login}\n"+
		"    refresh: {path: /auth/refresh}\n    identity: {from: reply, subject: user.id}\n", a.URL),
		fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", a.URL))
}

// echoPaths are where it does, each in its own way.
func echoPaths() []string {
	return []string{"/debug", "/headers", "/jhipster", "/redirect", "/text", "/xml", "/script", "/events", "/wide", "/graphql", "/image"}
}

func echo(w http.ResponseWriter, r *http.Request, access string) {
	h := w.Header()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	answer := func(kind, text string) {
		h.Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
	}
	switch r.URL.Path {
	case "/auth/login":
		if data, _ := io.ReadAll(r.Body); strings.Contains(string(data), "wrong") {
			h.Set("Content-Type", "application/json")
			w.WriteHeader(401)
			answer("application/json", fmt.Sprintf(`{"error":"no","you_sent":%q}`, data))
			return
		}
		answer("application/json", fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":3600,"user":{"id":7}}`, access, echoRefresh))
	case "/debug": // Django
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(500)
		for name, values := range r.Header {
			_, _ = fmt.Fprintf(w, "<tr><td>HTTP_%s</td><td class=\"code\"><pre>&#x27;%s&#x27;</pre></td></tr>\n", name, html.EscapeString(strings.Join(values, ", ")))
		}
		_, _ = fmt.Fprintf(w, "<a href=\"/again?token=%s\">again</a>", url.QueryEscape(token))
	case "/headers":
		answer("application/json", fmt.Sprintf(`{"echo":%q,"curl":"curl -H 'Authorization: Bearer %s'","cookie":%q}`,
			r.Header.Get("Authorization"), strings.ReplaceAll(token, "/", `\/`), r.Header.Get("Cookie")))
	case "/jhipster":
		h.Set("Authorization", "Bearer "+token)
		h.Add("Set-Cookie", "jwt="+token+"; Path=/")
		h.Add("Set-Cookie", "csrftoken=stays")
		answer("application/json", fmt.Sprintf(`{"id_token":%q}`, token))
	case "/redirect":
		h.Set("Location", "/app#access_token="+url.QueryEscape(token)+"&refresh_token="+echoRefresh+"&lang=en")
		w.WriteHeader(302)
	case "/text":
		answer("text/html", token)
	case "/xml":
		answer("application/xml", "<token>"+token+"</token>")
	case "/script":
		h.Set("Content-Type", "text/javascript")
		text := strings.Repeat("/* code */", 1000) + "var t='" + token + "';"
		if r.URL.RawQuery != "" {
			text = "var t='none';"
		}
		if r.Header.Get("Accept-Encoding") != "gzip" {
			_, _ = io.WriteString(w, text)
			return
		}
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
	case "/events":
		h.Set("Content-Type", "text/event-stream")
		for _, piece := range []string{"data: hello\n\ndata: Bearer ", token[:9], token[9:20], token[20:] + "\n", "\n", "data: the end\n\n"} {
			_, _ = io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	case "/wide":
		h.Set("Content-Type", "application/json")
		for _, c := range utf16.Encode([]rune(`{"access_token":"` + token + `"}`)) {
			_, _ = w.Write([]byte{byte(c), byte(c >> 8)})
		}
	case "/graphql":
		answer("application/json", fmt.Sprintf(`{"data":{"auth_login":{"refresh_token":%q,"access_token":%q,"token":"invitation-0123456789abc"}}}`, echoRefresh, token))
	case "/image":
		answer("image/png", "\x89PNG")
	}
}

// TestAnEchoGivesNoToken: an API that shows the request it got, in whatever form, does not show its
// token to a page.
func TestAnEchoGivesNoToken(t *testing.T) {
	t.Parallel()
	for name, access := range map[string]string{"JWT": newLeaky(t).access, "opaque": echoSanctum} {
		s := newEchoEnvironment(t, access)
		b := s.browser()
		if got := b.login("ada", "x"); got.status != 200 {
			t.Fatal(name, got)
		}
		for path, want := range map[string]string{
			"/debug":    "Bearer session ",
			"/headers":  `{"echo":"Bearer session `,
			"/jhipster": `{"id_token":"session`,
			"/redirect": "",
			"/text":     "session ",
			"/xml":      "<token>session ",
			"/script":   "var t='session ",
			"/events":   "data: Bearer session ",
			"/wide":     `upstream_unreadable`,
			"/graphql":  `"token":"invitation-0123456789abc"`,
			"/image":    "\x89PNG",
		} {
			got := b.get("/api" + path)
			shown := fmt.Sprint(got, got.header)
			for _, secret := range []string{access, html.EscapeString(access), url.QueryEscape(access), strings.ReplaceAll(access, "/", `\/`), echoRefresh, b.cookie()} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s, %s: %s shows in %s", name, path, secret, shown)
				}
			}
			if !strings.Contains(got.body, want) {
				t.Errorf("%s, %s: %s", name, path, got)
			}
			switch path {
			case "/jhipster":
				if got.header["Authorization"] != nil || fmt.Sprint(got.header["Set-Cookie"]) != "[csrftoken=stays]" {
					t.Errorf("%s: %v", name, got.header)
				}
			case "/redirect":
				if l := got.header.Get("Location"); l != "/app#access_token=session&refresh_token=session&lang=en" {
					t.Errorf("%s: %s", name, l)
				}
			case "/events":
				if !strings.HasSuffix(got.body, "\n\ndata: the end\n\n") {
					t.Errorf("%s: %q", name, got.body)
				}
			case "/wide":
				if got.status != 502 {
					t.Errorf("%s: %s", name, got)
				}
			}
		}
		script := []change{header("Sec-Fetch-Dest", "script"), header("Sec-Fetch-Mode", "no-cors"), header("Sec-Fetch-Site", "same-origin"), header("Accept-Encoding", "gzip, br")}
		clean := b.get("/api/script?clean", script...)
		z, err := gzip.NewReader(strings.NewReader(clean.body))
		if err != nil || clean.header.Get("Content-Encoding") != "gzip" {
			t.Fatal(err, clean)
		}
		if text, err := io.ReadAll(z); string(text) != "var t='none';" || err != nil {
			t.Errorf("%s: a script is %s, %v", name, text, err)
		}
		if strings.Contains(s.logs.String(), access) {
			t.Errorf("%s: the token is in the log", name)
		}
		if got, err := b.try("GET", "/api/script", script...); err == nil {
			t.Errorf("%s: a script with the token in it arrives whole: %s", name, got)
		}
	}
}
