package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session/users"
)

// TestNoSecretEverShows runs a bit of everything at log level debug, and then looks
// for each secret it knows in the logs, the metrics and every answer.
func TestNoSecretEverShows(t *testing.T) {
	const password = "canary-password-54"
	hash, err := users.NewHasher(users.HasherOptions{}).Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "users:\n  - {name: ada, password: %q}\n", hash), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newEnvironment(t, options{gateways: 2, users: "{file: " + file + "}"})
	var mu sync.Mutex
	var shown strings.Builder // all that left the gateways, but for Set-Cookie and what an upstream echoes
	show := func(a answer) {
		mu.Lock()
		defer mu.Unlock()
		for name, values := range a.header {
			if name != "Set-Cookie" {
				fmt.Fprintln(&shown, name, values)
			}
		}
		fmt.Fprintln(&shown, a.body)
	}
	secrets := map[string]string{"password": password, "hash": hash, "mistyped": "canary-password-55"}
	b := s.browser()
	keep := func(what string) {
		if c := b.cookie(); c != "" {
			secrets[fmt.Sprintf("cookie %d %s", len(secrets), what)] = c
			secrets[fmt.Sprintf("secret %d %s", len(secrets), what)] = fmt.Sprintf("%x", s.open(c).Payload()[:32])
		}
	}
	login := func(typed string, form bool) {
		kind, text := "application/json", fmt.Sprintf(`{"username":"ada","password":%q}`, typed)
		if form {
			kind, text = "application/x-www-form-urlencoded", "username=ada&password="+typed
		}
		show(b.do("POST", "/auth/login", body(kind, text)))
		keep("login")
	}
	login("canary-password-55", false)
	login("canary-password-55", true)
	login(password, false)
	for _, path := range []string{
		"/api/x", "/api/admin/x", "/maybe/x", "/page/", "/auth/session", "/auth/login", "/auth/logout", "/.well-known/jwks.json",
		"/.well-known/oauth-authorization-server", "/nowhere", "/auth/refresh", "/api/x/%2e%2e/admin",
	} {
		show(b.get(path))
		show(b.get(path, navigating("none")))
	}
	stolen := b.cookie()
	for range 3 {
		s.clock.Advance(11 * time.Minute)
		old := b.with(b.cookie())
		show(b.at(s.gateways[1].addr).get("/api/x"))
		keep("rotation")
		show(old.get("/api/x")) // converges
		show(b.get("/api/x"))
	}
	show(b.with(stolen).get("/api/x"))                                      // reuse
	show(b.get("/api/x"))                                                   // ended
	show(b.get("/api/x", header("Cookie", "__Host-session=canary-forged"))) // unauthentic
	secrets["forged"] = "canary-forged"
	login(password, true)
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	show(b.get("/api/x"))
	s.upstream.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	show(b.get("/api/x"))
	show(b.do("POST", "/auth/logout"))
	show(b.do("POST", "/auth/login", body("application/json", `{"username":"ada","password":"canary-password-55"`)))

	tokens := 0
	for _, r := range s.upstream.take() {
		if token := r.bearer(); token != "" {
			tokens++
			secrets[fmt.Sprintf("token %d", tokens)] = token
			secrets[fmt.Sprintf("signature %d", tokens)] = token[strings.LastIndexByte(token, '.')+1:]
		}
	}
	if tokens < 5 {
		t.Fatalf("only %d tokens were seen", tokens)
	}
	for _, name := range []string{"cookie.key", "seal.key", "signing.pem"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		secrets[name] = lines[len(lines)/2]
	}
	s.showAdmin(show)
	if !strings.Contains(s.logs.String(), `"level":"DEBUG"`) {
		t.Fatal("the log does not say what it should")
	}
	s.nothingShows(secrets, shown.String())
}

// showAdmin asks the gateways for what they say to operators.
func (s *environment) showAdmin(show func(answer)) {
	for _, g := range s.gateways {
		for _, path := range []string{"/metrics", "/readyz", "/livez"} {
			rec := httptest.NewRecorder()
			g.Admin().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
			show(answer{rec.Code, rec.Header(), rec.Body.String()})
		}
	}
}

// nothingShows looks for secrets in what left the gateways, and in the logs.
func (s *environment) nothingShows(secrets map[string]string, shown string) {
	s.t.Helper()
	t, logs := s.t, s.logs.String()
	if n := strings.Count(logs, `"msg":"request"`); n < 30 {
		t.Fatalf("%d requests in the log, which does not say what it should:\n%s", n, logs)
	}
	for what, secret := range secrets {
		for where, text := range map[string]string{"a log line": logs, "an answer": shown} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s shows in %s: …%s…", what, where, text[max(0, i-100):min(len(text), i+20)])
			}
		}
	}
	for line := range strings.Lines(logs) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line is not JSON: %s", line)
		}
	}
}

// TestNoSecretOfATokenAPIEverShows does the same with an API that shows every request it gets: here not
// even that may have a token in it.
func TestNoSecretOfATokenAPIEverShows(t *testing.T) {
	const password = "canary-password-56"
	for name, access := range map[string]string{"JWT": newLeaky(t).access, "opaque": echoSanctum} {
		s := newEchoEnvironment(t, access)
		var shown strings.Builder // all that left the gateway, but for our own cookies
		show := func(a answer) {
			for name, values := range a.header {
				for _, value := range values {
					if name != "Set-Cookie" || !strings.HasPrefix(value, "__Host-") {
						fmt.Fprintln(&shown, name, value)
					}
				}
			}
			fmt.Fprintln(&shown, a.body)
		}
		b := s.browser()
		show(b.do("POST", "/auth/login", body("application/json", `{"username":"ada","password":"wrong"}`)))
		show(b.login("ada", password))
		secrets := map[string]string{
			"password": password, "access token": access, "refresh token": echoRefresh, "cookie": b.cookie(),
			"access token in HTML": html.EscapeString(access), "access token in a URL": url.QueryEscape(access),
			"access token in base64": base64.StdEncoding.EncodeToString([]byte("Bearer " + access)),
		}
		for _, path := range append(echoPaths(), "/auth/login", "/auth/refresh", "/auth/logout", "/nowhere") {
			show(b.get("/api" + path))
			show(b.get("/api"+path, navigating("same-origin")))
			show(b.do("POST", "/api"+path, body("application/json", "{}")))
			show(b.do("HEAD", "/api"+path))
		}
		show(b.get("/auth/session"))
		show(b.do("POST", "/auth/logout"))
		s.showAdmin(show)
		if !strings.Contains(shown.String(), "Bearer session") {
			t.Fatalf("%s: the API's echo does not show: %s", name, shown.String())
		}
		s.nothingShows(secrets, shown.String())
	}
}
