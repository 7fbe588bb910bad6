package e2e

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
)

func TestOIDCSignIn(t *testing.T) {
	t.Setenv("OIDC_TEST_SECRET", oidctest.ClientSecret)
	s := newOIDCEnvironment(t, oidcOptions{provider: `client_secret: ${OIDC_TEST_SECRET}
    resource: ["https://api.example.com"]
    authorization_params: [{name: ui_locales, value: en}]`})
	b := s.person()
	first, second := query(t, b.leave("/auth/login")), query(t, b.leave("/auth/login"))
	for _, key := range []string{"state", "nonce", "code_challenge"} {
		if first.Get(key) == "" || first.Get(key) == second.Get(key) {
			t.Errorf("%s: %q, then %q", key, first.Get(key), second.Get(key))
		}
	}
	for key, want := range map[string]string{
		"code_challenge_method": "S256", "response_type": "code", "scope": "openid profile offline_access",
		"redirect_uri": publicOrigin + "/auth/callback/corp", "resource": "https://api.example.com", "ui_locales": "en",
	} {
		if first.Get(key) != want {
			t.Errorf("%s = %q, want %q", key, first.Get(key), want)
		}
	}
	b.signIn()
	doc := b.ok("/auth/session").body
	if !strings.Contains(doc, `"sub":"ada"`) || !strings.Contains(doc, `"roles":["user"]`) || strings.Contains(doc, "eyJ") {
		t.Errorf("session document %s", doc)
	}
	b.ok("/api/x")
	if got := s.upstream.last(t); !strings.HasPrefix(got.bearer(), "eyJ") || got.Header.Get("Cookie") != "" {
		t.Errorf("upstream got %v", got.Header)
	}
	for _, secret := range []string{"eyJ", "rt-", oidctest.ClientSecret, b.cookie()} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log holds %.10q…", secret)
		}
	}
}

// What is wrong with the attempt itself costs no call to the provider.
func TestOIDCForgedAttempts(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	good := func(b *oidcBrowser) string { return b.atProvider(b.leave("/auth/login?return_to=/page/home")) }
	for name, forge := range map[string]func(b *oidcBrowser) answer{
		"unknown state": func(b *oidcBrowser) answer {
			return b.back(strings.Replace(good(b), "state=", "state=X", 1))
		},
		"no state":              func(b *oidcBrowser) answer { good(b); return b.back("/auth/callback/corp?code=x") },
		"nothing":               func(b *oidcBrowser) answer { return b.back("/auth/callback/corp") },
		"another browser's":     func(b *oidcBrowser) answer { s.person().leave("/auth/login"); return b.back(good(s.person())) },
		"no binding cookie":     func(b *oidcBrowser) answer { return b.get(good(b), fromProvider, without("Cookie")) },
		"another issuer's code": func(b *oidcBrowser) answer { return b.back(strings.Replace(good(b), "iss=http", "iss=https", 1)) },
		"no issuer": func(b *oidcBrowser) answer {
			s.idp.Set(func(o *oidctest.Behaviour) { o.AnswerIss = new(string) })
			defer s.idp.Set(func(o *oidctest.Behaviour) { o.AnswerIss = nil })
			return b.back(good(b))
		},
		"no code": func(b *oidcBrowser) answer {
			s.idp.Set(func(o *oidctest.Behaviour) { o.LoseCode = true })
			defer s.idp.Set(func(o *oidctest.Behaviour) { o.LoseCode = false })
			return b.back(good(b))
		},
		"a logout's state": func(b *oidcBrowser) answer {
			other := s.person()
			other.signIn()
			s.idp.Set(func(*oidctest.Behaviour) {})
			to := other.do("POST", "/auth/logout", body("application/x-www-form-urlencoded", "")).header.Get("Location")
			return other.back("/auth/callback/corp?code=x&state=" + query(t, to).Get("state"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.person()
			before := s.idp.Grants("authorization_code")
			a := forge(b)
			if strings.Contains(a.body, "location.reload()") { // the bounce page: ask again from our own origin
				a = b.get("/auth/callback/corp?state=none", navigating("same-origin"))
			}
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, "Try again") {
				t.Errorf("callback: %s", a)
			}
			if _, set := a.set(); set || b.cookie() != "" {
				t.Error("a session cookie was set")
			}
			if name != "a logout's state" && s.idp.Grants("authorization_code") != before {
				t.Error("the token endpoint was called")
			}
		})
	}
}

func TestOIDCStateWorksOnce(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	callback := b.atProvider(b.leave("/auth/login?return_to=/page/home"))
	if a := b.back(callback); a.status != http.StatusOK {
		t.Fatal(a)
	}
	cookie := b.cookie()
	// The Back button, a second click, a reload: on to where the browser wanted.
	if a := b.back(callback); !strings.Contains(a.body, "location.reload()") {
		t.Errorf("a cross-site repetition without the Strict cookie: %s", a)
	}
	if a := b.get(callback, navigating("same-origin")); a.status != http.StatusOK || !strings.Contains(a.body, "url=/page/home") {
		t.Errorf("repetition: %s", a)
	}
	if b.cookie() != cookie || s.idp.Grants("authorization_code") != 1 {
		t.Error("the repetition did more than go on")
	}
	delete(b.jar.cookies, "__Host-session")
	a := b.get(callback, navigating("same-origin"))
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "return_to=%2fpage%2fhome") && !strings.Contains(a.body, "return_to=%2Fpage%2Fhome") {
		t.Errorf("repetition without a session: %s", a)
	}
}

func TestOIDCTwoTabs(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	one, two := b.leave("/auth/login?return_to=/page/1"), b.leave("/auth/login?return_to=/page/2")
	second, first := b.atProvider(two), b.atProvider(one)
	for path, callback := range map[string]string{"/page/1": first, "/page/2": second} {
		if a := b.back(callback); a.status != http.StatusOK || !strings.Contains(a.body, "url="+path) {
			t.Errorf("%s: %s", path, a)
		}
	}
	if !b.signedIn() {
		t.Error("not signed in")
	}
}

func TestOIDCAttemptsExpireAndAreCapped(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.person()
	late := b.atProvider(b.leave("/auth/login?return_to=/page/late"))
	s.clock.Advance(11 * time.Minute)
	a := b.get(late, navigating("same-origin"))
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "%2fpage%2flate") && !strings.Contains(a.body, "%2Fpage%2Flate") {
		t.Errorf("after 11 minutes: %s", a)
	}
	oldest := b.leave("/auth/login")
	for range 16 {
		s.clock.Advance(time.Second)
		b.leave("/auth/login")
	}
	if a := b.get(b.atProvider(oldest), navigating("same-origin")); a.status != http.StatusBadRequest {
		t.Errorf("the seventeenth attempt did not displace the first: %s", a)
	}
	if s.idp.Grants("authorization_code") != 0 {
		t.Error("the token endpoint was called")
	}
}

func TestOIDCProviderSaysNo(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	for code, want := range map[string]int{
		"access_denied": 403, "server_error": 503, "temporarily_unavailable": 503, "invalid_request": 400,
		"<script>alert(1)</script>": 400, "login_required": 400,
	} {
		s.idp.Set(func(b *oidctest.Behaviour) { b.AuthError = code })
		b := s.person()
		a := b.back(b.atProvider(b.leave("/auth/login?return_to=/page/x")))
		if a.status != want || strings.Contains(a.body, "alert(1)") || !strings.Contains(a.header.Get("Content-Type"), "text/html") || b.cookie() != "" {
			t.Errorf("%s: %s", code, a)
		}
	}
}

// Only a person's navigation begins a sign-in.
func TestOIDCOnlyNavigationsStart(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	for name, c := range map[string]change{
		"fetch": func(*http.Request) {},
		"frame": func(r *http.Request) { navigating("same-origin")(r); r.Header.Set("Sec-Fetch-Dest", "iframe") },
		"image": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Sec-Fetch-Dest", "image")
		},
		"prefetch": func(r *http.Request) { navigating("same-origin")(r); r.Header.Set("Sec-Purpose", "prefetch;prerender") },
		"program":  func(r *http.Request) { r.Header = http.Header{"Accept": {"application/json"}} },
		"head":     func(r *http.Request) { navigating("same-origin")(r); r.Method = http.MethodHead },
	} {
		a := b.get("/auth/login", c)
		if a.header.Get("Location") != "" || len(b.jar.cookies) > 0 && b.jar.cookies["__Host-login"] != "" {
			t.Errorf("%s: %s, Location %q", name, a, a.header.Get("Location"))
		}
	}
	if a := b.get("/auth/callback/corp?state=x", func(r *http.Request) {
		navigating("cross-site")(r)
		r.Header.Set("Sec-Fetch-Dest", "iframe")
	}); a.status != http.StatusForbidden {
		t.Errorf("callback in a frame: %s", a)
	}
	for _, q := range []string{"prompt=evil", "max_age=-1", "max_age=x"} {
		if a := b.get("/auth/login?"+q, navigating("same-origin")); a.status != http.StatusBadRequest {
			t.Errorf("%s: %s", q, a)
		}
	}
	to := query(t, b.leave("/auth/login?prompt=consent&login_hint=ada&acr_values=a+b&max_age=60&scope=admin&redirect_uri=x&evil=1"))
	if to.Get("prompt") != "consent" || to.Get("login_hint") != "ada" || to.Get("acr_values") != "a b" || to.Get("max_age") != "60" ||
		to.Get("evil") != "" || strings.Contains(to.Get("scope"), "admin") || to.Get("redirect_uri") == "x" {
		t.Errorf("passed on: %v", to)
	}
}

func TestOIDCLoginReplacesTheSession(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	b.signIn()
	old := b.cookie()
	a := b.back(b.atProvider(b.leave("/auth/login?prompt=consent"))) // in the same session at the provider
	if a.status != http.StatusOK || b.cookie() == old {
		t.Fatal(a)
	}
	for _, r := range s.idp.Requests("/revoke") {
		t.Errorf("the provider may take %s for the end of the new session too", r.Path)
	}
	if a := b.with(old).get("/api/x"); a.status != 401 || !strings.Contains(a.body, `"reason":"replaced"`) {
		t.Errorf("the old session: %s", a)
	}
}

func TestOIDCStepUp(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{routes: `  - {path: /pay/, upstreams: ["http://127.0.0.1:1"], require: {auth_age: 5m}}
  - {path: /vault/, upstreams: ["http://127.0.0.1:1"], require: {acr: [gold, "urn:hw"]}, unauthenticated: login}`})
	s.idp.Set(func(b *oidctest.Behaviour) { b.OldSignIn = time.Hour })
	b := s.person()
	b.signIn()
	a := b.get("/pay/x")
	if a.status != 401 || a.code() != "reauthentication_required" || !strings.Contains(a.body, "/auth/login?max_age=300\\u0026provider=corp") ||
		!strings.Contains(a.header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`) ||
		!strings.Contains(a.header.Get("WWW-Authenticate"), `max_age="300"`) {
		t.Errorf("auth_age: %s %s", a, a.header.Get("WWW-Authenticate"))
	}
	if a := b.get("/vault/x"); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), `acr_values="gold urn:hw"`) {
		t.Errorf("acr: %s %s", a, a.header.Get("WWW-Authenticate"))
	}
	toVault := b.get("/vault/x", navigating("same-origin")).header.Get("Location")
	if !strings.HasPrefix(toVault, "/auth/login?return_to=%2Fvault%2Fx&acr_values=gold+urn%3Ahw") {
		t.Errorf("acr, navigation: Location %q", toVault)
	}
	// A provider that does not ask again is not believed.
	for path, page := range map[string]string{"/auth/login?max_age=0": "stronger", toVault: "stronger"} {
		if a := b.back(b.atProvider(b.leave(path))); a.status != http.StatusForbidden || !strings.Contains(a.body, page) {
			t.Errorf("%s, unchanged sign-in: %s", path, a)
		}
	}
	s.idp.Set(func(o *oidctest.Behaviour) { o.OldSignIn, o.ACR = 0, "gold" })
	s.idp.EndSessions()
	to := b.leave("/auth/login?max_age=0&acr_values=gold")
	if query(t, to).Get("prompt") != "login" || query(t, to).Get("max_age") != "0" {
		t.Errorf("step-up asks %v", query(t, to))
	}
	if a := b.back(b.atProvider(to)); a.status != http.StatusOK {
		t.Fatal(a)
	}
	for _, path := range []string{"/pay/x", "/vault/x"} {
		if a := b.get(path); a.status != http.StatusBadGateway { // nobody listens there, but we were let through
			t.Errorf("%s after step-up: %s", path, a)
		}
	}
	s.idp.Set(func(o *oidctest.Behaviour) { o.NoAuthTime = true })
	if a := b.back(b.atProvider(b.leave("/auth/login?max_age=0"))); a.status != http.StatusForbidden {
		t.Errorf("without auth_time: %s", a)
	}
}

// Two providers: an answer of one is worth nothing at the other's callback.
func TestOIDCMixUp(t *testing.T) {
	t.Setenv("OIDC_TEST_SECRET", oidctest.ClientSecret)
	other := oidctest.New(t, publicOrigin+"/auth/callback/evil")
	s := newOIDCEnvironment(t, oidcOptions{more: fmt.Sprintf(`  - name: evil
    kind: oidc
    label: Evil & Co
    issuer: "%s"
    client_id: gateway
    client_secret: ${OIDC_TEST_SECRET}`, other.Issuer())})
	b := s.person()
	login := b.get("/auth/login?return_to=/page/a&max_age=9", navigating("same-origin")).body
	for _, want := range []string{"provider=corp", "Evil &amp; Co", "return_to=%2Fpage%2Fa", "max_age=9"} {
		if !strings.Contains(login, want) {
			t.Errorf("the picker lacks %s:\n%s", want, login)
		}
	}
	toEvil := b.leave("/auth/login?provider=evil")
	// The evil provider sends the browser on to the honest one, with its own state.
	q := query(t, toEvil)
	q.Set("redirect_uri", publicOrigin+"/auth/callback/corp")
	back := b.atProvider(s.idp.Issuer() + "/authorize?" + q.Encode())
	for name, path := range map[string]string{
		"to the honest callback": back,
		"to the evil callback":   strings.Replace(back, "/callback/corp", "/callback/evil", 1),
	} {
		if a := b.back(path); a.status == http.StatusOK && !strings.Contains(a.body, "location.reload()") {
			t.Errorf("%s: %s", name, a)
		}
	}
	if b.cookie() != "" || s.idp.Grants("authorization_code") != 0 || other.Grants("authorization_code") != 0 {
		t.Error("a mixed-up answer got somewhere")
	}
}

// Whatever the return URL says, the browser stays with us.
func TestOIDCReturnURLStaysHere(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{session: "per_user: {max: 0}", routes: "rate_limits: {login: {start_per_ip: 10000/1m}}"})
	b := s.person()
	hosts := []string{"evil.example", "evil.example/", "evil.example:80", "evil.example%2f..", "localhost:8080.evil.example", "localhost:8080@evil.example"}
	prefixes := []string{
		"//", "///", "////", "/\\", "\\/", "\\\\", "\\", "/\t/", "/\n/", "/\r/", "\t//", " //", "/ /", "/%09/", "/%5c", "/%2f", "%2f%2f", "%5c%5c",
		"https://", "http://", "HTTPS://", "https:", "https:/", "https:\\\\", "ftp://", "javascript://", "data:text/html,", "javascript:alert(1)//",
		"@", "/@", "//@", ".", "/.//", "/..//", "/./\\", "/;@", "//%00", "/\x00/", "/\u2028/", "/\u3002", "//\u3002", "\u00a0//", "\ufeff//", "?//", "#//",
		"//localhost:8080@", "https://localhost:8080@", "http://localhost:8080/../", "blob:http://", "view-source:http://", "//[::1]@",
	}
	n := 0
	for _, prefix := range prefixes {
		for _, host := range hosts {
			n++
			raw := prefix + host
			a := b.back(b.atProvider(b.leave("/auth/login?return_to=" + url.QueryEscape(raw) + "&prompt=login")))
			_, rest, ok := strings.Cut(a.body, `content="0; url=`)
			target, _, _ := strings.Cut(rest, `"`)
			if !ok || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\t\n\r") {
				t.Errorf("return_to=%q leads to %q", raw, target)
			}
			base, _ := url.Parse(publicOrigin + "/auth/callback/corp")
			if u, err := base.Parse(target); err != nil || u.Host != base.Host {
				t.Errorf("return_to=%q leads to %q", raw, target)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d attacks", n)
	}
}

// A browser's way to a provider begins with a page of ours, which does nothing yet; other clients,
// and those who come from it, are redirected at once.
func TestOIDCBeginsWithAPage(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	const path = "/auth/login?return_to=/page/x%3Fa%3D'1'&acr_values=a+b&login_hint=ada&evil=1"
	a := b.browser.get(path, navigating("same-origin"))
	if a.status != http.StatusOK || a.header.Get("Set-Cookie") != "" || a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, "evil") ||
		!strings.Contains(a.body, `data-leave="/page/x?a=%271%27"`) || len(b.jar.cookies) != 0 {
		t.Errorf("page: %s %v", a, a.header)
	}
	if frame := b.browser.get(path, navigating("same-origin"), header("Sec-Fetch-Dest", "iframe")); strings.Contains(frame.body, "data-leave") {
		t.Errorf("in a frame: %s", frame)
	}
	next := html.UnescapeString(beginLink.FindStringSubmatch(a.body)[1])
	for name, a := range map[string]answer{
		"the next":          b.browser.get(next, navigating("same-origin")),
		"no Fetch Metadata": b.browser.get(path, header("Accept", "text/html"), without("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")),
	} {
		to := query(t, a.header.Get("Location"))
		if a.status != http.StatusSeeOther || to.Get("acr_values") != "a b" || to.Get("login_hint") != "ada" {
			t.Errorf("%s: %s, asks %v", name, a, to)
		}
	}
	b.signIn()
	if a := b.browser.get("/auth/login?return_to=/page/x&begin=1", navigating("same-origin")); a.status != http.StatusOK || !strings.Contains(a.body, `href="/page/x" data-arrive`) {
		t.Errorf("signed in meanwhile: %s", a)
	}
}
