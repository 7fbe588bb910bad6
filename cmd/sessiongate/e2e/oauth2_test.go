package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// startOAuth2 runs ../testdata/oauth2.py and returns its address.
func startOAuth2(t *testing.T, flags ...string) string {
	t.Helper()
	args := []string{"-B", "-m", "uvicorn", "oauth2:app", "--app-dir", "../testdata", "--host", "127.0.0.1", "--port", "0", "--no-access-log"}
	cmd := exec.Command(testserver.Need(t, "python-fastapi"), append(args, flags...)...)
	return startApplication(t, cmd, true, `running on (http://127\.0\.0\.1:\d+)`)
}

// behindOAuth2 is a gateway in front of that API, as the preset's file has it, and a browser.
func behindOAuth2(t *testing.T, api, keys string) *browser {
	t.Helper()
	return tokenAPIEnvironment(t, 1,
		fmt.Sprintf("  - {name: api, kind: tokenapi, preset: fastapi-oauth2, base_url: %q%s}", api, keys),
		fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", api)).browser()
}

// The API of FastAPI's documentation works behind the gateway, and its own pages do where it was
// told of the prefix, as the files of FastAPI's presets say.
func TestFastAPIDocumentationBehindTheGateway(t *testing.T) {
	t.Parallel()
	b := behindOAuth2(t, startOAuth2(t, "--root-path", "/api"), "")
	if a := b.do("POST", "/auth/login", body("application/json", `{"username":"johndoe","password":"no"}`)); a.status != 401 || a.code() != "invalid_credentials" {
		t.Fatalf("wrong password: %s", a)
	}
	if doc := b.login("johndoe", "secret"); !strings.Contains(doc.body, `"sub":"johndoe","name":"John Doe"`) || !strings.Contains(doc.body, `"access_expires_in":1`) {
		t.Errorf("session document %s", doc)
	}
	for path, want := range map[string]string{
		"/api/users/me/":       `"full_name":"John Doe"`,
		"/api/users/me/items/": `"owner":"johndoe"`,
		"/api/docs":            `url: '/api/openapi.json'`,
		"/api/openapi.json":    `"servers":[{"url":"/api"}]`,
	} {
		if a := b.ok(path); !strings.Contains(a.body, want) {
			t.Errorf("%s has no %s: %s", path, want, a)
		}
	}
	if a := b.do("POST", "/api/token", body("application/x-www-form-urlencoded", "username=johndoe&password=secret")); a.status != 404 {
		t.Errorf("the API's own login: %s", a)
	}
	if a := b.do("POST", "/auth/logout"); a.status != 200 {
		t.Errorf("logout: %s", a)
	}
}

// A page that keeps the code of the documentation's login signs in by it, and gets no token.
func TestFastAPIDocumentationKeepsItsLogin(t *testing.T) {
	t.Parallel()
	b := behindOAuth2(t, startOAuth2(t), ", app_calls: [login]")
	a := b.do("POST", "/api/token", body("application/x-www-form-urlencoded", "grant_type=password&username=johndoe&password=secret"))
	if a.status != 200 || !strings.Contains(a.body, `"access_token":"session"`) {
		t.Fatalf("login: %s", a)
	}
	b.ok("/api/users/me/", header("Authorization", "Bearer session"))
}
