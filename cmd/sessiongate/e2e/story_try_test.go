package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// foreignAPI answers as no preset says. Its refresh tokens can be used once.
func foreignAPI(t *testing.T, password string) *httptest.Server {
	t.Helper()
	live, n := "", 0
	grant := func(w http.ResponseWriter) {
		n++
		live = fmt.Sprintf("canary-refresh-%d", n)
		claims := fmt.Sprintf(`{"uid":7,"login":"canary-name","exp":%d,"jti":%d}`, time.Now().Add(time.Hour).Unix(), n)
		access := "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
		fmt.Fprintf(w, `{"tokens":{"access":{"token":%q},"refresh":{"token":%q}}}`, access, live)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/login", func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Email, Password string }
		if json.NewDecoder(r.Body).Decode(&sent) != nil || sent.Email != "ada" || sent.Password != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		grant(w)
	})
	mux.HandleFunc("POST /v1/refresh", func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Token string }
		if json.NewDecoder(r.Body).Decode(&sent) != nil || sent.Token == "" || sent.Token != live {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		grant(w)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// TestCheckTry: somebody who knows only the paths of an API gets the rest told, and no value.
func TestCheckTry(t *testing.T) {
	t.Parallel()
	const password = "canary-password-71"
	api := foreignAPI(t, password)
	try := func(typed, keys string, flags ...string) (string, error) {
		file := filepath.Join(t.TempDir(), "gateway.yaml")
		text := "server: {public_url: http://localhost:8080}\nstore: {embedded: true}\nroutes: [{path: /, static: demo, session: none}]\n" +
			"providers: [{name: api, kind: tokenapi, base_url: " + api.URL +
			", login: {path: /v1/login, username: email}, refresh: {path: /v1/refresh, refresh_token: token}" + keys + "}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := sessiongate(t, append([]string{"check", "--config", file, "--try", "ada"}, flags...)...)
		cmd.Stdin = strings.NewReader(typed + "\n")
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "canary") || strings.Contains(string(out), "eyJ") {
			t.Errorf("a value shows:\n%s", out)
		}
		return string(out), err
	}
	places := ", reply: {access_token: tokens.access.token, refresh_token: tokens.refresh.token}"
	for _, row := range []struct {
		typed, keys, want string
		fails             bool
	}{
		{"canary-wrong", "", "FAILED    provider api: login: answers 401: refused.", true},
		{password, "", "write reply: {access_token: tokens.access.token}", true},
		{password, places, "write identity: {from: token, subject: uid}", true},
		{password, places + ", identity: {subject: uid, name: login}", "a new access token, and a new refresh token\nok        provider api: logout: is not configured", false},
	} {
		out, err := try(row.typed, row.keys)
		if (err != nil) != row.fails || !strings.Contains(out, row.want) {
			t.Errorf("%q: %v\n%s", row.keys, err, out)
		}
		object, err := try(row.typed, row.keys, "--json")
		if (err != nil) != row.fails || !strings.Contains(object, `"name": "login",`+"\n      "+`"ok": `) || strings.Contains(object, `"problems"`) != row.fails {
			t.Errorf("%q, for programs: %v\n%s", row.keys, err, object)
		}
	}
}
