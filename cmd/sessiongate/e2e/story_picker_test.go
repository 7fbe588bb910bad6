package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestLoginPageKeepsTheFilesOrder: the page offers accounts in the order of the configuration,
// under their labels, and the button of a demo user signs in where that user is, whichever account
// the form has chosen.
func TestLoginPageKeepsTheFilesOrder(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{extra: `  - {name: aaa, kind: tokenapi, label: "The old shop", preset: fastapi-tutorial, base_url: "http://127.0.0.1:1"}`})
	b := s.browser()
	page := b.get("/auth/login", navigating("none"))
	first, second := strings.Index(page.body, `<option value="local"`), strings.Index(page.body, `<option value="aaa"`)
	if first < 0 || second < first || !strings.Contains(page.body, ">The old shop</option>") {
		t.Errorf("accounts: local at %d, aaa at %d:\n%s", first, second, page.body)
	}
	a := b.do("POST", "/auth/login?probe=1", navigating("same-origin"), header("Origin", publicOrigin),
		body("application/x-www-form-urlencoded", "demo_user=ada&return_to=/open/"))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/open/" {
		t.Errorf("one click: %s", a)
	}
}
