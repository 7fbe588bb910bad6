package e2e

import (
	"fmt"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// storingApp is an application as tutorials write it: its own form, its tokens in localStorage and in
// an Authorization of its own, a refresh and a logout at the API's paths. It notes all that a script
// can get hold of.
const storingApp = `<!doctype html><title>app</title><form id=f><input id=username><input id=password type=password><button id=go>Sign in</button></form>
<script>
const seen = [];
async function call(method, path, body) {
	const token = localStorage.getItem("access_token");
	const headers = {"Content-Type": "application/json"};
	if (token) headers.Authorization = "Bearer " + token;
	const r = await fetch("/v1" + path, {method, headers, body: body && JSON.stringify(body)});
	const text = await r.text();
	seen.push(r.status, r.url, text, JSON.stringify([...r.headers]));
	return {status: r.status, doc: text && JSON.parse(text)};
}
function store(doc) {
	localStorage.setItem("access_token", doc.access_token);
	localStorage.setItem("refresh_token", doc.refresh_token);
}
async function signIn(path, body) {
	const r = await call("POST", path, body);
	if (r.status < 300) store(r.doc);
	f.reset();
	document.title = r.status < 300 ? "in as " + r.doc.user.id : r.doc.message;
}
f.onsubmit = e => { e.preventDefault(); signIn("/auth/login", {username: username.value, password: password.value}); };
async function refresh() {
	const r = await call("POST", "/auth/refresh", {refresh_token: localStorage.getItem("refresh_token")});
	store(r.doc);
	return r.status + " " + (await call("GET", "/me")).status;
}
async function signOut() {
	const out = await call("POST", "/auth/logout", {refresh_token: localStorage.getItem("refresh_token")});
	localStorage.clear();
	return out.status + " " + (await call("GET", "/me")).status;
}
const known = () => [...seen, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href,
	JSON.stringify(performance.getEntries())].join("\n");
</script>`

// TestChromiumAppThatStoresItsTokens works unchanged, and holds none: in no body, header, address or
// storage is a token of the API.
func TestChromiumAppThatStoresItsTokens(t *testing.T) {
	tab := testserver.Chromium(t)
	a := newSignup(t)
	a.page = storingApp
	s, origin := onItsOwnOrigin(t, options{
		extra: fmt.Sprintf(signupProvider, a.URL, "app_calls: [login, refresh, logout]"),
		routes: fmt.Sprintf(`  - {path: /app, upstreams: [%[1]q], session: none}
  - {path: /v1/, upstreams: [%[1]q]}`, a.URL),
	})
	clean := func(when string) {
		t.Helper()
		if known := testserver.Eval[string](tab, "known()"); a.leaked(known) || !strings.Contains(known, "/app") {
			t.Errorf("%s, a script holds a token:\n%s", when, known)
		}
	}
	testserver.Navigate(tab, origin+"/app")
	testserver.Fill(tab, "#username", "ada")
	testserver.Fill(tab, "#password", "wrong")
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `document.title === "Unknown user or password, says the API"`)
	testserver.Fill(tab, "#username", "ada")
	testserver.Fill(tab, "#password", "right")
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `document.title === "in as ada"`)
	clean("signed in")
	if got := testserver.Eval[string](tab, `localStorage.getItem("access_token")`); got != "session" {
		t.Errorf("the app stores %q", got)
	}
	if got := testserver.Eval[string](tab, "refresh()"); got != "200 200" {
		t.Errorf("refresh, and a call: %s", got)
	}
	if a.refresh != 0 {
		t.Errorf("%d refreshes that were not due", a.refresh)
	}
	clean("refreshed")
	if got := testserver.Eval[string](tab, "signOut()"); got != "204 401" {
		t.Errorf("logout, and a call: %s", got)
	}
	for path, user := range map[string]string{"/auth/register": "new", "/auth/mfa": "mfa"} {
		testserver.Eval[any](tab, fmt.Sprintf(`signIn(%q, {email: "new", otp: "1"}).then(() => null)`, path))
		testserver.WaitFor(tab, fmt.Sprintf(`document.title === "in as %s"`, user))
		clean(path)
	}
	if got := testserver.Eval[string](tab, "signOut()"); got != "204 401" {
		t.Errorf("logout, and a call: %s", got)
	}
	clean("signed out")
	if a.leaked(s.logs.String()) {
		t.Error("a token in the log")
	}
}
