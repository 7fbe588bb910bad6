package e2e

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// An API in the style of each preset, built from what the preset says it assumes: sign in, call,
// refresh, sign out.

// style is how an API talks. Its functions return status and body; tokens come from mint.
type style struct {
	config         string // beside preset and base_url
	login          string // "POST /auth/login"
	credentials    string // the body a login must have
	refresh        string // "POST /auth/refresh"; empty: there is none
	refreshRequest func(r *http.Request, body string) (token string)
	reply          func(w http.ResponseWriter, access, refresh string)
	logout         string
	logoutToken    func(r *http.Request, body string) (token string)
	claims         map[string]any
	subject, roles string
	refused        int // status for a bad refresh token
	extra          func(r *http.Request) bool
	rotates        bool
}

// styledAPI is one such API. It accepts one user and keeps its tokens in memory.
type styledAPI struct {
	style
	*httptest.Server
	mu              sync.Mutex
	n               int
	access, refresh string // in force
	revoked         string // by a logout
	refreshes       int
}

func newStyledAPI(t *testing.T, s style) *styledAPI {
	a := &styledAPI{style: s}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *styledAPI) serve(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	call, text := r.Method+" "+r.RequestURI, string(data)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.extra != nil && strings.HasPrefix(r.URL.Path, "/auth/") && !a.extra(r) {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	switch call {
	case a.login:
		if text != a.credentials {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		a.grant(w, true)
	case a.style.refresh:
		a.refreshes++
		if a.refreshRequest(r, text) != a.refresh {
			w.WriteHeader(a.refused)
			_, _ = io.WriteString(w, `{"message":"no"}`) // all of these answer in JSON
			return
		}
		a.grant(w, a.rotates)
	case a.logout:
		a.revoked = a.logoutToken(r, text)
	case "GET /me":
		if r.Header.Get("Authorization") != "Bearer "+a.access {
			w.WriteHeader(http.StatusUnauthorized)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// grant makes a new access token, and a new refresh token if it rotates.
func (a *styledAPI) grant(w http.ResponseWriter, rotate bool) {
	a.n++
	claims := map[string]any{"exp": time.Now().Add(time.Hour).Unix(), "n": a.n}
	for k, v := range a.claims {
		claims[k] = v
	}
	payload, _ := json.Marshal(claims)
	a.access = "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
	given := ""
	if rotate {
		a.refresh = fmt.Sprintf("refresh-%d", a.n)
		given = a.refresh
	}
	a.reply(w, a.access, given)
}

func jsonReply(format string) func(http.ResponseWriter, string, string) {
	return func(w http.ResponseWriter, access, refresh string) {
		_, _ = io.WriteString(w, strings.NewReplacer("ACCESS", access, "REFRESH", refresh).Replace(format))
	}
}

func jsonField(name string) func(*http.Request, string) string {
	return func(_ *http.Request, body string) string {
		var fields map[string]any
		_ = json.Unmarshal([]byte(body), &fields)
		text, _ := fields[name].(string)
		return text
	}
}

func bearerOf(r *http.Request, _ string) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func cookieOf(name string) func(*http.Request, string) string {
	return func(r *http.Request, _ string) string {
		c, err := r.Cookie(name)
		if err != nil {
			return ""
		}
		return c.Value
	}
}

const standard = `{"access_token":"ACCESS","refresh_token":"REFRESH"}`

func styles() map[string]style {
	user := `{"password":"secret \u0026 \"quoted\"","username":"ada"}`
	return map[string]style{
		"fastapi-tutorial": {
			login: "POST /auth/login", credentials: user, reply: jsonReply(standard), rotates: true, refused: 401,
			refresh: "POST /auth/refresh", refreshRequest: jsonField("refresh_token"),
			logout: "POST /auth/logout", logoutToken: jsonField("refresh_token"),
			claims: map[string]any{"sub": "ada", "role": "user"}, subject: "ada", roles: "[user]",
		},
		"authx": {
			login: "POST /login", credentials: user, reply: jsonReply(standard), refused: 401,
			refresh: "POST /refresh", refreshRequest: bearerOf,
			claims: map[string]any{"sub": "ada", "scopes": []string{"a:read"}}, subject: "ada", roles: "[]",
		},
		"django-simplejwt": {
			config: "logout: {path: /api/token/blacklist/, refresh_token: refresh}",
			login:  "POST /api/token/", credentials: user, reply: jsonReply(`{"access":"ACCESS","refresh":"REFRESH"}`), refused: 401,
			refresh: "POST /api/token/refresh/", refreshRequest: jsonField("refresh"), rotates: true,
			logout: "POST /api/token/blacklist/", logoutToken: jsonField("refresh"),
			claims: map[string]any{"user_id": 17}, subject: "17", roles: "[]",
		},
		"devise-jwt": {
			login: "POST /users/sign_in", credentials: `{"user":{"email":"ada","password":"secret \u0026 \"quoted\""}}`,
			reply: func(w http.ResponseWriter, access, _ string) {
				w.Header().Set("Authorization", "Bearer "+access)
				w.WriteHeader(http.StatusNoContent)
			},
			logout: "DELETE /users/sign_out", logoutToken: bearerOf,
			claims: map[string]any{"sub": "3"}, subject: "3", roles: "[]",
		},
		"directus": {
			login: "POST /auth/login", credentials: `{"email":"ada","password":"secret \u0026 \"quoted\""}`,
			reply: jsonReply(`{"data":{"access_token":"ACCESS","refresh_token":"REFRESH","expires":900000}}`), refused: 401, rotates: true,
			refresh: "POST /auth/refresh", refreshRequest: jsonField("refresh_token"),
			logout: "POST /auth/logout", logoutToken: jsonField("refresh_token"),
			claims: map[string]any{"id": "u-1", "role": "r-1"}, subject: "u-1", roles: "[r-1]",
		},
		"supabase": {
			config: `headers: [{name: apikey, value: public}]`,
			login:  "POST /auth/v1/token?grant_type=password", credentials: `{"email":"ada","password":"secret \u0026 \"quoted\""}`,
			reply: jsonReply(`{"access_token":"ACCESS","refresh_token":"REFRESH","expires_in":3600,"user":{"id":"x"}}`), refused: 400, rotates: true,
			refresh: "POST /auth/v1/token?grant_type=refresh_token", refreshRequest: jsonField("refresh_token"),
			logout: "POST /auth/v1/logout?scope=local", logoutToken: bearerOf,
			claims: map[string]any{"sub": "u-2", "email": "ada@example.com", "role": "authenticated"}, subject: "u-2", roles: "[authenticated]",
			extra: func(r *http.Request) bool { return r.Header.Get("Apikey") == "public" },
		},
		// No preset: an API nobody has foreseen, with a form, a cookie and a PUT.
		"": {
			config: `login: {path: /signin, encoding: form, body: "grant=password&user={{username}}&pass={{password}}"},
      refresh: {path: /renew, method: PUT, refresh_token: cookie:rt, refused: [403]},
      logout: {path: /signout, refresh_token: "header:X-Refresh-Token"},
      reply: {access_token: result.0.jwt, refresh_token: cookie:rt}, identity: {subject: "https://example.com/id", roles: realm.roles}`,
			login: "POST /signin", credentials: "grant=password&pass=secret+%26+%22quoted%22&user=ada",
			reply: func(w http.ResponseWriter, access, refresh string) {
				http.SetCookie(w, &http.Cookie{Name: "rt", Value: "stale"})
				http.SetCookie(w, &http.Cookie{Name: "rt", Value: refresh, HttpOnly: true})
				_, _ = fmt.Fprintf(w, `{"result":[{"jwt":%q}]}`, access)
			},
			refresh: "PUT /renew", refreshRequest: cookieOf("rt"), rotates: true, refused: 403,
			logout: "POST /signout", logoutToken: func(r *http.Request, _ string) string { return r.Header.Get("X-Refresh-Token") },
			claims:  map[string]any{"https://example.com/id": "u-3", "realm": map[string]any{"roles": []string{"a", "b"}}},
			subject: "u-3", roles: "[a b]",
		},
	}
}

func TestPresetsEndToEnd(t *testing.T) {
	for name, row := range styles() {
		t.Run("preset "+name, func(t *testing.T) {
			t.Parallel()
			api := newStyledAPI(t, row)
			preset := ""
			if name != "" {
				preset = "preset: " + name + ", "
			}
			s := tokenAPIEnvironment(t, 1,
				fmt.Sprintf("  - {name: api, kind: tokenapi, %sbase_url: %q, %s}", preset, api.URL, row.config),
				fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", api.URL))
			b := s.browser()
			if a := b.do("POST", "/auth/login", body("application/json", `{"username":"ada","password":"no"}`)); a.status != 401 {
				t.Fatalf("wrong password: %s", a)
			}
			doc := b.login("ada", `secret & "quoted"`)
			mustDescribe(t, doc, row)
			b.ok("/api/me")
			first := api.access
			if a := b.do("POST", "/auth/refresh?force=true"); a.status != 200 {
				t.Fatalf("refresh: %s", a)
			}
			if refreshed := api.access != first; refreshed != (row.refresh != "") {
				t.Errorf("refreshed at the API: %v", refreshed)
			}
			b.ok("/api/me")
			if a := b.do("POST", "/auth/logout"); a.status != 200 {
				t.Fatalf("logout: %s", a)
			}
			if row.logout != "" {
				eventually(t, "the API hears of the logout", func() bool {
					api.mu.Lock()
					defer api.mu.Unlock()
					return api.revoked != "" && (api.revoked == api.refresh || api.revoked == api.access)
				})
			}
		})
	}
}

func mustDescribe(t *testing.T, doc answer, want style) {
	t.Helper()
	var session struct {
		User struct {
			Sub   string
			Roles []string
		}
	}
	if err := json.Unmarshal([]byte(doc.body), &session); err != nil || session.User.Sub != want.subject || fmt.Sprint(session.User.Roles) != want.roles {
		t.Errorf("session document %s", doc.body)
	}
}

// Each style's no to a refresh token ends the session.
func TestPresetsRefused(t *testing.T) {
	for name, row := range styles() {
		if row.refresh == "" {
			continue
		}
		t.Run("preset "+name, func(t *testing.T) {
			t.Parallel()
			api := newStyledAPI(t, row)
			preset := ""
			if name != "" {
				preset = "preset: " + name + ", "
			}
			s := tokenAPIEnvironment(t, 1,
				fmt.Sprintf("  - {name: api, kind: tokenapi, %sbase_url: %q, %s}", preset, api.URL, row.config),
				fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", api.URL))
			b := s.browser()
			b.login("ada", `secret & "quoted"`)
			api.mu.Lock()
			api.refresh = "another"
			api.mu.Unlock()
			if a := b.do("POST", "/auth/refresh?force=true"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
				t.Errorf("refresh with a refused token: %s", a)
			}
			if a := b.get("/api/me"); a.status != 401 {
				t.Errorf("after the refusal: %s", a)
			}
		})
	}
}

// `check` says when the API cannot be reached or is not what the file says, and what is wrong with a
// place or a template.
func TestCheckTokenAPI(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	refuse := http.NewServeMux()
	for _, path := range []string{"POST /login", "POST /refresh"} {
		refuse.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	}
	fits := httptest.NewServer(refuse)
	t.Cleanup(fits.Close)
	secure := httptest.NewTLSServer(refuse)
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for provider, want := range map[string]string{
		"preset: authx, base_url: " + fits.URL:                                    "ok        provider api: login 401, refresh 401",
		"preset: authx, base_url: " + secure.URL + ", tls: {ca_file: " + ca + "}": "ok        provider api: login 401, refresh 401",
	} {
		if out, err := checkProvider(t, provider); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", provider, err, out)
		}
	}
	if out, err := checkProvider(t, "preset: authx, base_url: "+gone.URL, "--offline"); err != nil || strings.Contains(out, "token API") {
		t.Errorf("--offline: %v\n%s", err, out)
	}
	for provider, want := range map[string]string{
		"preset: authx, base_url: " + gone.URL:                                        "FAILED    token API " + gone.URL,
		"preset: authx, base_url: " + secure.URL:                                      "FAILED    token API " + secure.URL + ": its certificate comes from",
		"preset: authx, login: {path: /log-in}, base_url: " + fits.URL:                "FAILED    provider api: login: answers 404",
		"preset: authx, login: {method: PUT}, base_url: " + fits.URL:                  "FAILED    provider api: login: answers 405 to PUT: write login: {method: POST}",
		"preset: authx, base_url: http://api, reply: {access_token: 'a..b'}":          "a dot without a name beside it",
		"preset: authx, base_url: http://api, login: {body: '{\"u\": \"{{user}}\"}'}": "login.body: has {{ without a value's name and }}; write {{ and }} around username, password",
	} {
		if out, err := checkProvider(t, provider); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", provider, err, out)
		}
	}
}

// checkProvider runs `check` on a file with one token API.
func checkProvider(t *testing.T, provider string, flags ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := fmt.Sprintf("server: {public_url: http://localhost:8080}\nstore: {embedded: true}\nproviders: [{name: api, kind: tokenapi, %s}]\nroutes: [{path: /, static: demo, session: none}]\n", provider)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := sessiongate(t, append([]string{"check", "--config", file}, flags...)...).CombinedOutput()
	return string(out), err
}
