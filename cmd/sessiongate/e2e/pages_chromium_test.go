package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
	"sessiongate/web"
)

// gallery has every page in its fullest state, one address each: /NAME?ui_locales=de.
type gallery struct {
	pages *web.Pages
	show  map[string]func(*web.Edition, io.Writer) error
}

func newGallery(t *testing.T, o web.Options) *gallery {
	t.Helper()
	pages, err := web.NewPages(o)
	if err != nil {
		t.Fatal(err)
	}
	g := &gallery{pages: pages, show: make(map[string]func(*web.Edition, io.Writer) error)}
	g.addLogins()
	g.addMessages()
	g.addAccount()
	return g
}

func (g *gallery) addLogins() {
	full := web.LoginPage{
		Action: "/auth/login", ReturnTo: "/", Password: true, Provider: "staff",
		PasswordProviders: []web.PasswordProvider{{Name: "staff", Label: "Staff"}, {Name: "members", Label: "Members of the association"}},
		Providers:         []web.ProviderLink{{Name: "corp", Label: "Example Corp", Href: "/auth/login?provider=corp"}, {Name: "other", Label: "A sign-in service with a long name", Href: "/x"}},
	}
	login := func(name string, change func(*web.Edition, *web.LoginPage)) {
		g.show[name] = func(e *web.Edition, w io.Writer) error {
			page := full
			change(e, &page)
			return e.Login(w, page)
		}
	}
	refuse := func(e *web.Edition, page *web.LoginPage, code, reason string) {
		title, text := e.Problem(code, reason, web.Args{"wait": e.Wait(5 * time.Minute)})
		page.Error, page.Username = title+". "+text, "ada"
	}
	login("login", func(*web.Edition, *web.LoginPage) {})
	login("login-notice", func(e *web.Edition, p *web.LoginPage) {
		title, text := e.Problem("session_ended", "revoked_by_user", nil)
		p.Notice = title + ". " + text
	})
	login("login-wrong", func(e *web.Edition, p *web.LoginPage) {
		refuse(e, p, "invalid_credentials", "")
		p.WrongCredentials = true
	})
	login("login-limited", func(e *web.Edition, p *web.LoginPage) { refuse(e, p, "rate_limited", "") })
	login("login-step", func(_ *web.Edition, p *web.LoginPage) { p.Extra, p.Username = []string{"totp_code"}, "ada" })
	login("login-confirm", func(_ *web.Edition, p *web.LoginPage) {
		p.Providers, p.Username = nil, "ada"
		p.Confirm = &web.Confirm{User: "Ada Lovelace", Recent: true, Within: 10 * time.Minute, Stronger: true, Other: "/auth/logout", Cancel: "/"}
	})
	login("login-demo", func(_ *web.Edition, p *web.LoginPage) {
		p.Providers, p.CookieProbeFailed = nil, true
		p.DemoUsers = []web.DemoUser{{Name: "ada", Password: "lovelace-1843", Note: "user"}, {Name: "grace", Password: "hopper-1952", Note: "admin"}}
	})
}

func (g *gallery) addMessages() {
	message := func(name, code, reason string, status int, change func(*web.Edition, *web.MessagePage)) {
		g.show[name] = func(e *web.Edition, w io.Writer) error {
			page := web.MessagePage{Status: status, RequestID: "6f1d2c3b4a5968778695a4b3c2d1e0ff"}
			page.Title, page.Text = e.Problem(code, reason, web.Args{"name": "Ada Lovelace", "origin": "https://app.example.com", "wait": e.Wait(2 * time.Second)})
			change(e, &page)
			return e.Message(w, page)
		}
	}
	link := func(e *web.Edition, key, href string) web.Link { return web.Link{Label: e.Text(key, nil), Href: href} }
	message("ended", "session_ended", "evicted", 401, func(e *web.Edition, p *web.MessagePage) {
		p.Primary, p.Help = link(e, "button.sign_in", "/auth/login"), true
	})
	message("forbidden", "forbidden", "", 403, func(e *web.Edition, p *web.MessagePage) {
		p.Primary, p.Secondary = link(e, "button.home", "/"), link(e, "button.other_user", "/auth/logout")
	})
	message("missing", "not_found", "", 404, func(e *web.Edition, p *web.MessagePage) {
		p.Primary, p.Detail = link(e, "button.home", "/"), "There is nothing at this address."
	})
	message("misdirected", "misdirected_request", "", 421, func(_ *web.Edition, p *web.MessagePage) { p.Origin = "https://app.example.com" })
	message("down", "provider_unavailable", "", 503, func(e *web.Edition, p *web.MessagePage) {
		p.Primary, p.Secondary = link(e, "button.try_again", "/"), link(e, "button.sign_in_again", "/auth/login")
	})
	message("form", "form_not_sent", "", 401, func(e *web.Edition, p *web.MessagePage) {
		p.Primary = link(e, "button.sign_in_new_tab", "/auth/login?return_to=/auth/done")
		p.Primary.NewTab = true
	})
	g.show["logout"] = func(e *web.Edition, w io.Writer) error {
		return e.Logout(w, web.LogoutPage{Action: "/auth/logout", User: "Ada Lovelace", Provider: "Example Corp", Cancel: link(e, "button.stay", "/")})
	}
	g.show["signed-out"] = func(e *web.Edition, w io.Writer) error {
		return e.SignedOut(w, web.SignedOutPage{
			Text: e.Text("signed_out.elsewhere", nil), SignIn: link(e, "button.sign_in", "/auth/login"), Continue: link(e, "button.home", "/"),
		})
	}
	g.show["done"] = func(e *web.Edition, w io.Writer) error {
		page, err := e.Done()
		_, _ = w.Write(page.Body)
		return err
	}
	g.show["reload"] = func(e *web.Edition, w io.Writer) error {
		page, err := e.Reload("/auth/login?prompt=login")
		_, _ = w.Write(page.Body)
		return err
	}
}

func (g *gallery) addAccount() {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	account := web.AccountPage{
		User: "Ada Lovelace", Action: "/auth/account", Endpoint: "/auth/sessions", Events: "/auth/events", Logout: "/auth/logout", Back: "/", Now: now,
		Devices: []web.Device{
			{ID: "a", Browser: "Safari", System: "iOS", Network: "203.0.113.0/24", Provider: "Example Corp", SignedIn: now.AddDate(0, 0, -2), LastSeen: now.Add(-5 * time.Minute)},
			{ID: "b", Browser: "Chrome", System: "Windows", Network: "10.1.2.0/24", Current: true, SignedIn: now.AddDate(0, 0, -9), LastSeen: now},
			{ID: "c", Browser: "Safari", System: "iOS", Network: "2001:db8:1::/48", Provider: "Staff", SignedIn: now.AddDate(-1, 0, 0), LastSeen: now.AddDate(0, 0, -3)},
			{ID: "d", Name: "The tablet in the kitchen, which everybody in the house uses now and then", SignedIn: now, LastSeen: now.Add(-2 * time.Hour)},
		},
	}
	g.show["account"] = func(e *web.Edition, w io.Writer) error { return e.Account(w, account) }
	g.show["account-done"] = func(e *web.Edition, w io.Writer) error {
		page := account
		page.Done = "others"
		page.Devices = page.Devices[1:2]
		return e.Account(w, page)
	}
	g.show["account-confirm"] = func(e *web.Edition, w io.Writer) error {
		_, err := e.ConfirmEnd(w, web.ConfirmPage{Account: account, End: "others"})
		return err
	}
}

// ServeHTTP sends a page under the policy of pages without script.
func (g *gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if logo := g.pages.Logo(); logo != nil && r.URL.Path == g.pages.LogoPath() {
		w.Header().Set("Content-Type", logo.Type)
		w.Header().Set("Content-Security-Policy", web.LogoCSP)
		_, _ = w.Write(logo.Body)
		return
	}
	show := g.show[strings.TrimPrefix(r.URL.Path, "/")]
	if show == nil {
		http.NotFound(w, r)
		return
	}
	var body bytes.Buffer
	if err := show(g.pages.Edition(r.URL.Query().Get("ui_locales"), ""), &body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", g.pages.CSP())
	_, _ = w.Write(body.Bytes())
}

// look is how somebody looks at a page.
type look struct {
	name   string
	width  int64
	height int64
	media  map[string]string
}

func light() map[string]string { return map[string]string{"prefers-color-scheme": "light"} }
func dark() map[string]string  { return map[string]string{"prefers-color-scheme": "dark"} }

// fullMatrix is the variable that has each page looked at in every way; without it two of them
// have to do, which differ in everything.
const fullMatrix = "SESSIONGATE_TEST_FULL"

func looks(language string) []look {
	forced := map[string]string{"forced-colors": "active", "prefers-color-scheme": "dark"}
	list := []look{{"narrow, light", 320, 640, light()}, {"wide, dark", 1280, 800, dark()}, {"wide, light", 1280, 800, light()}, {"narrow, dark", 320, 640, dark()}, {"forced colours", 320, 640, forced}}
	switch {
	case os.Getenv(fullMatrix) != "":
		return list
	case language == "de":
		return []look{list[3], list[2]}
	}
	return []look{list[0], list[1], list[4]}
}

func branding() web.Options {
	return web.Options{
		Name: "Example Cooperative", Footer: "Example Cooperative eG, Musterstraße 1, 12345 Musterstadt",
		Links: web.Links{Help: "/help", ForgotPassword: "/forgot", SignUp: "/sign-up", Privacy: "/privacy", Terms: "/terms"},
	}
}

// Every page, in both languages, without any script of its own: by axe-core's rules for WCAG 2.2 AA
// nothing is wrong, nothing is wider than 320 px, what can be pressed is large enough, and the keyboard
// reaches all of it and shows where it is.
func TestChromiumPagesAreAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(installModules(t, "../testdata/axe", "axe-core"), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	g := newGallery(t, branding())
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	for _, language := range []string{"en", "de"} {
		for _, l := range looks(language) {
			t.Run(language+", "+l.name, func(t *testing.T) { // each with the time of a browser of its own
				tab := testserver.Chromium(t)
				testserver.Viewport(tab, l.width, l.height)
				testserver.Media(tab, l.media)
				for _, name := range slices.Sorted(maps.Keys(g.show)) {
					testserver.DisableScripts(tab)
					testserver.Navigate(tab, server.URL+"/"+name+"?ui_locales="+language)
					testserver.EnableScripts(tab) // those of the page have had their turn
					checkShape(t, tab, name, l.width)
					checkAxe(t, tab, name, string(axe))
					if l.width == 320 {
						checkKeyboard(t, tab, name)
					}
				}
			})
		}
	}
}

func checkAxe(t *testing.T, tab context.Context, where, axe string) {
	t.Helper()
	testserver.Eval[bool](tab, axe+"; true")
	found := testserver.Eval[[]string](tab, `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
		.then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ") + " " + n.failureSummary).join("; ")))`)
	for _, v := range found {
		t.Errorf("%s: %s", where, v)
	}
}

func checkShape(t *testing.T, tab context.Context, where string, width int64) {
	t.Helper()
	if got := testserver.Eval[int64](tab, `document.documentElement.scrollWidth`); got > width {
		t.Errorf("%s: %d px wide", where, got)
	}
	for _, small := range testserver.Eval[[]string](tab, `[...document.querySelectorAll("a, button, input, select, summary")].filter(e => e.checkVisibility())
		.map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width < 24 || r.height < 23.9 || r.left < 0 || r.right > innerWidth)
		.map(([e, r]) => e.outerHTML.slice(0, 80) + " " + r.width + "x" + r.height)`) {
		t.Errorf("%s: too small or cut off: %s", where, small)
	}
}

// checkKeyboard presses Tab through the page.
func checkKeyboard(t *testing.T, tab context.Context, where string) {
	t.Helper()
	want := testserver.Eval[int](tab, `getSelection().removeAllRanges(), document.activeElement.blur(), window.reached = new Set(),
		[...document.querySelectorAll("a, button, input, select, summary")].filter(e => e.checkVisibility()).length`)
	for range want + 2 {
		testserver.Press(tab, "\t")
		if bad := testserver.Eval[string](tab, `(() => {
			const e = document.activeElement;
			if (e === document.body || e === document.documentElement) return "";
			reached.add(e);
			const r = e.getBoundingClientRect(), s = getComputedStyle(e);
			const x = (Math.max(r.left, 0) + Math.min(r.right, innerWidth)) / 2, y = (Math.max(r.top, 0) + Math.min(r.bottom, innerHeight)) / 2;
			const top = document.elementFromPoint(x, y);
			if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) return e.outerHTML.slice(0, 80) + " does not show the focus";
			if (!top || !(e.contains(top) || top.contains(e))) return e.outerHTML.slice(0, 80) + " has the focus and is covered";
			return "";
		})()`); bad != "" {
			t.Errorf("%s: %s", where, bad)
		}
	}
	if got := testserver.Eval[int](tab, `reached.size`); got != want {
		t.Errorf("%s: the keyboard reaches %d of %d", where, got, want)
	}
}

// Without JavaScript another device is signed out by two buttons, and the page then says so first.
func TestChromiumDevicesPageWithoutScripts(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := onItsOwnOrigin(t, options{})
	phone := newOriginBrowser(t, s, origin)
	phone.userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
	phone.ada()
	testserver.DisableScripts(tab)
	testserver.Navigate(tab, origin+"/auth/account?ui_locales=de")
	testserver.Fill(tab, "#username", "ada")
	testserver.Fill(tab, "#password", "lovelace-1843")
	testserver.Click(tab, "form button[type=submit]")
	testserver.Click(tab, `button[aria-label="Safari auf iOS abmelden"]`)
	testserver.Click(tab, `button[name=confirm]`)
	if got := testserver.Text(tab, "#done"); got != "Das Gerät ist abgemeldet." {
		t.Errorf("said: %q", got)
	}
	if !testserver.Eval[bool](tab, `document.activeElement.id === "done" && document.querySelectorAll(".device").length === 1`) {
		t.Error("the focus is elsewhere, or the device is still there")
	}
	eventually(t, "the phone is out", func() bool { return phone.get("/api/x").status == http.StatusUnauthorized })
}

// Pictures of each page for people to look at; only where a folder for them is named.
func TestChromiumPagePictures(t *testing.T) {
	dir := os.Getenv("SESSIONGATE_TEST_SCREENSHOTS")
	if dir == "" {
		t.Skip("SESSIONGATE_TEST_SCREENSHOTS names no folder")
	}
	tab := testserver.Chromium(t)
	plain := newGallery(t, branding())
	server := httptest.NewServer(plain)
	t.Cleanup(server.Close)
	testserver.DisableScripts(tab)
	for _, language := range []string{"en", "de"} {
		for scheme, media := range map[string]map[string]string{"light": light(), "dark": dark()} {
			testserver.Media(tab, media)
			for _, width := range []int64{390, 1280} {
				for _, name := range slices.Sorted(maps.Keys(plain.show)) {
					testserver.Viewport(tab, width, 844)
					testserver.Navigate(tab, server.URL+"/"+name+"?ui_locales="+language)
					testserver.Screenshot(tab, filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%d.png", name, language, scheme, width)), width, 844)
				}
			}
		}
	}
}
