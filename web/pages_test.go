package web_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sessiongate/web"
)

// every names one full example of each page; s stands in every text field.
func every(p *web.Pages, s string) map[string]func(io.Writer) error {
	e := english(p)
	return map[string]func(io.Writer) error{
		"login": func(w io.Writer) error {
			return e.Login(w, web.LoginPage{
				Action: s, ReturnTo: s, Error: s, Username: s, Password: true, Provider: s, CookieProbeFailed: true,
				PasswordProviders: []web.PasswordProvider{{Name: s, Label: s}, {Name: "b"}},
				Providers:         []web.ProviderLink{{Name: s, Label: s, Href: s}, {Name: s, Href: s}},
				DemoUsers:         []web.DemoUser{{Name: s, Password: s, Note: s}},
			})
		},
		"message": func(w io.Writer) error {
			return e.Message(w, web.MessagePage{
				Status: 404, Title: s, Text: s, Primary: web.Link{Label: s, Href: s}, Secondary: web.Link{Label: s, Href: s, Keep: true}, RequestID: s,
			})
		},
		"logout": func(w io.Writer) error {
			return e.Logout(w, web.LogoutPage{Action: s, ReturnTo: s, User: s, Provider: s, Cancel: web.Link{Label: s, Href: s}})
		},
		"signed out": func(w io.Writer) error {
			return e.SignedOut(w, web.SignedOutPage{Text: s, SignIn: web.Link{Label: s, Href: s}, Continue: web.Link{Label: s, Href: s}})
		},
	}
}

func newPages(t *testing.T) *web.Pages {
	t.Helper()
	p, err := web.NewPages(web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// english is what a site says to those who ask for nothing else.
func english(p *web.Pages) *web.Edition { return p.Edition("", "") }

func renderString(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestPagesAreCompleteAndAccessible(t *testing.T) {
	p := newPages(t)
	for name, write := range every(p, "/x") {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, renderString(t, write))
			if lang := attr(one(t, doc, "html"), "lang"); lang != "en" {
				t.Errorf("lang = %q", lang)
			}
			if text(one(t, doc, "title")) == "" || text(one(t, doc, "h1")) == "" {
				t.Error("title or heading is empty")
			}
			one(t, doc, "main")
			if v := byAttr(doc, "name", "viewport"); len(v) != 1 {
				t.Errorf("%d viewport declarations", len(v))
			}
			if r := byAttr(doc, "name", "referrer"); len(r) != 1 || attr(r[0], "content") != "same-origin" {
				t.Error("the page does not keep the form's Origin from becoming null")
			}
			checkLabels(t, doc)
			checkPlain(t, doc)
		})
	}
}

// checkLabels wants a label for every control a person fills in.
func checkLabels(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, tag := range []string{"input", "select"} {
		for _, n := range all(doc, tag) {
			if attr(n, "type") == "hidden" {
				continue
			}
			if len(byAttr(doc, "for", attr(n, "id"))) != 1 {
				t.Errorf("%s %q has no label", tag, attr(n, "name"))
			}
		}
	}
}

// checkPlain wants nothing that runs but the script that keeps the fragment, nothing inline but
// that and the stylesheet, and no resource or target elsewhere.
func checkPlain(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, script := range all(doc, "script") {
		if hashOf(script) != hashOf(one(t, parse(t, english(newPages(t)).Continue("/")), "script")) || len(script.Attr) != 0 {
			t.Errorf("a script that is not ours: %q", script.FirstChild.Data)
		}
	}
	for _, tag := range []string{"iframe", "object", "embed", "img", "base"} {
		if n := len(all(doc, tag)); n != 0 {
			t.Errorf("%d <%s>", n, tag)
		}
	}
	icons := all(doc, "link")
	if len(icons) != 1 || attr(icons[0], "rel") != "icon" || !strings.HasPrefix(attr(icons[0], "href"), "data:image/svg+xml,") {
		t.Errorf("%d <link>, want the icon alone", len(icons))
	}
	walk(doc, func(n *html.Node) {
		if n.Data == "link" {
			return
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" {
				t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
			}
			if isTarget(a.Key) && !isLocal(a.Val) {
				t.Errorf("<%s %s=%q> leads away", n.Data, a.Key, a.Val)
			}
		}
	})
}

// isLocal wants a path that no browser reads as another host: see WHATWG URL §4.4 on "\", tabs and
// line breaks.
func isLocal(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") && !strings.ContainsAny(target, "\\\t\r\n")
}

func isTarget(key string) bool {
	return key == "href" || key == "src" || key == "action" || key == "formaction" || key == "poster"
}

func TestHostileTextStaysText(t *testing.T) {
	p := newPages(t)
	hostile := []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`' onfocus='alert(1)' autofocus='`,
		`" onfocus="alert(1)" x="`,
		`</title></style></textarea><script>alert(1)</script>`,
		`javascript:alert(1)`,
		"java\nscript:alert(1)",
		`data:text/html,<script>alert(1)</script>`,
		`//evil.example/x`,
		`/\evil.example/x`,
		"/\t/evil.example/x",
		`\\evil.example`,
		`https://evil.example/`,
		`{{.Password}}`,
		"\x00<b>\xff",
	}
	clean := map[string]int{}
	for name, write := range every(p, "/x") {
		clean[name] = elements(parse(t, renderString(t, write)))
	}
	for _, s := range hostile {
		for name, write := range every(p, s) {
			t.Run(name+" "+s, func(t *testing.T) {
				doc := parse(t, renderString(t, write))
				if n := elements(doc); n != clean[name] {
					t.Errorf("%d elements, want %d: the text became markup", n, clean[name])
				}
				checkPlain(t, doc)
			})
		}
	}
}

func TestLocalLinksPassUnchanged(t *testing.T) {
	p := newPages(t)
	for _, href := range []string{"/", "/app?x=1&y=%2F#part", "/a//b", "/search?q=https://example.com"} {
		page := renderString(t, func(w io.Writer) error {
			return english(p).Message(w, web.MessagePage{Title: "T", Primary: web.Link{Label: "Go", Href: href}})
		})
		if got := attr(one(t, parse(t, page), "a"), "href"); got != href {
			t.Errorf("href = %q, want %q", got, href)
		}
	}
}

func TestLoginForm(t *testing.T) {
	p := newPages(t)
	page := web.LoginPage{
		Action: "/auth/login", ReturnTo: "/deep?a=1&b=2", Username: "ada", Error: "That did not match.", WrongCredentials: true, Password: true,
		PasswordProviders: []web.PasswordProvider{{Name: "local"}},
	}
	doc := parse(t, renderString(t, func(w io.Writer) error { return english(p).Login(w, page) }))
	form := one(t, doc, "form")
	if attr(form, "method") != "post" || attr(form, "action") != "/auth/login" {
		t.Errorf("form method %q, action %q", attr(form, "method"), attr(form, "action"))
	}
	for _, want := range []struct{ name, key, value string }{
		{"return_to", "value", "/deep?a=1&b=2"},
		{"provider", "value", "local"},
		{"provider", "type", "hidden"},
		{"username", "value", "ada"},
		{"username", "autocomplete", "username"},
		{"username", "aria-describedby", "error"},
		{"password", "type", "password"},
		{"password", "autocomplete", "current-password"},
		{"password", "aria-invalid", "true"},
		{"password", "value", ""},
	} {
		input := byAttr(form, "name", want.name)
		if len(input) != 1 || attr(input[0], want.key) != want.value {
			t.Errorf("%s: %d fields, %s is not %q", want.name, len(input), want.key, want.value)
		}
	}
	if e := byAttr(doc, "id", "error"); len(e) != 1 || text(e[0]) != page.Error || attr(e[0], "role") != "alert" {
		t.Error("the error is not announced")
	}
}

// Further fields stand behind the password, and are never filled in: what was typed there may be a
// code.
func TestFurtherFields(t *testing.T) {
	p := newPages(t)
	doc := parse(t, renderString(t, func(w io.Writer) error {
		return english(p).Login(w, web.LoginPage{Password: true, Username: "ada", Extra: []string{"totp_code", "tenant_id", "mfa-code"}})
	}))
	for name, want := range map[string][2]string{"totp_code": {"One-time code", "one-time-code"}, "tenant_id": {"Tenant id", "off"}, "mfa-code": {"Mfa code", "one-time-code"}} {
		input := byAttr(doc, "name", name)
		if len(input) != 1 || attr(input[0], "autocomplete") != want[1] || attr(input[0], "value") != "" {
			t.Fatalf("%s: %d fields", name, len(input))
		}
		if l := byAttr(doc, "for", attr(input[0], "id")); len(l) != 1 || text(l[0]) != want[0] {
			t.Errorf("%s has no label %q", name, want[0])
		}
	}
	if note := byAttr(doc, "role", "status"); len(note) != 1 || !strings.Contains(text(note[0]), "one more step") {
		t.Error("nothing says why there are more fields")
	}
}

func TestLoginShowsOnlyWhatIsOffered(t *testing.T) {
	p := newPages(t)
	pw := []web.PasswordProvider{{Name: "a", Label: "Staff"}, {Name: "b"}}
	oidc := []web.ProviderLink{{Name: "corp", Label: "Example Corp", Href: "/auth/login?provider=corp"}}
	demo := []web.DemoUser{{Name: "ada", Password: "lovelace-1843", Note: "user"}}
	tests := map[string]struct {
		page                   web.LoginPage
		forms, links, choosers int
		contains, lacks        string
	}{
		"password":       {web.LoginPage{Password: true}, 1, 0, 0, "current-password", "test cookie"},
		"several":        {web.LoginPage{Password: true, PasswordProviders: pw, Provider: "b"}, 1, 0, 1, `value="b" selected`, "Demo users"},
		"provider":       {web.LoginPage{Providers: oidc}, 0, 1, 0, "Continue with Example Corp", "current-password"},
		"both":           {web.LoginPage{Password: true, Providers: oidc}, 1, 1, 0, "<span>or</span>", "Demo users"},
		"demo":           {web.LoginPage{Password: true, DemoUsers: demo}, 2, 0, 0, "lovelace-1843", "test cookie"},
		"demo, no form":  {web.LoginPage{Providers: oidc, DemoUsers: demo}, 0, 1, 0, "Example Corp", "lovelace"},
		"cookie refused": {web.LoginPage{Password: true, CookieProbeFailed: true}, 1, 0, 0, "Allow cookies for this site", "sessiongate demo"},
		"demo, refused":  {web.LoginPage{Password: true, CookieProbeFailed: true, DemoUsers: demo}, 2, 0, 0, "sessiongate demo --tls", "Allow cookies"},
		"nothing":        {web.LoginPage{}, 0, 0, 0, "no way to sign in", "current-password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page := renderString(t, func(w io.Writer) error { return english(p).Login(w, tt.page) })
			doc := parse(t, page)
			if f, l, c := len(all(doc, "form")), len(all(doc, "a")), len(all(doc, "select")); f != tt.forms || l != tt.links || c != tt.choosers {
				t.Errorf("%d forms, %d links, %d selects; want %d, %d, %d", f, l, c, tt.forms, tt.links, tt.choosers)
			}
			if !strings.Contains(page, tt.contains) || strings.Contains(page, tt.lacks) {
				t.Errorf("want %q and not %q in:\n%s", tt.contains, tt.lacks, page)
			}
		})
	}
}

// Only what is wrong with the two fields marks them: a full queue or a store that is away is
// nobody's typing.
func TestOnlyWrongCredentialsMarkTheFields(t *testing.T) {
	p := newPages(t)
	doc := parse(t, renderString(t, func(w io.Writer) error {
		return english(p).Login(w, web.LoginPage{Password: true, Error: "Too many attempts."})
	}))
	for _, name := range []string{"username", "password"} {
		if f := byAttr(doc, "name", name); len(f) != 1 || attr(f[0], "aria-invalid") != "" {
			t.Errorf("%s is marked", name)
		}
	}
	one(t, doc, "h1")
}

func TestDemoUserSignsInWithOneButton(t *testing.T) {
	p := newPages(t)
	doc := parse(t, renderString(t, func(w io.Writer) error {
		return english(p).Login(w, web.LoginPage{
			Action: "/auth/login", ReturnTo: "/x", Password: true, PasswordProviders: []web.PasswordProvider{{Name: "local"}},
			DemoUsers: []web.DemoUser{{Name: "ada", Password: "lovelace-1843"}},
		})
	}))
	form := all(doc, "form")[1]
	for name, want := range map[string]string{"demo_user": "ada", "return_to": "/x"} {
		if f := byAttr(form, "name", name); len(f) != 1 || attr(f[0], "value") != want {
			t.Errorf("field %s is not %q", name, want)
		}
	}
	// One field of each name in the document: a password manager, or a script
	// that fills the form, finds the one it means.
	for _, name := range []string{"username", "password"} {
		if f := byAttr(doc, "name", name); len(f) != 1 {
			t.Errorf("%d fields are named %s, want 1", len(f), name)
		}
	}
}

func TestLogoutPosts(t *testing.T) {
	p := newPages(t)
	doc := parse(t, renderString(t, func(w io.Writer) error {
		return english(p).Logout(w, web.LogoutPage{Action: "/auth/logout", User: "Ada Lovelace", Cancel: web.Link{Label: "Stay", Href: "/"}})
	}))
	form := one(t, doc, "form")
	if attr(form, "method") != "post" || attr(form, "action") != "/auth/logout" {
		t.Error("the form does not post to the logout endpoint")
	}
	if !strings.Contains(text(one(t, doc, "main")), "signed in as Ada Lovelace.") {
		t.Error("the page does not say who is signed in")
	}
}

func TestOptionalPartsAreLeftOut(t *testing.T) {
	p := newPages(t)
	doc := parse(t, renderString(t, func(w io.Writer) error { return english(p).Message(w, web.MessagePage{Title: "T", Text: "x"}) }))
	if len(all(doc, "a")) != 0 || strings.Contains(text(one(t, doc, "main")), "Request") || len(byAttr(doc, "class", "status")) != 0 {
		t.Error("an empty field left a trace")
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestWriteErrorsComeBack(t *testing.T) {
	broken := brokenWriter{errors.New("connection gone")}
	for name, write := range every(newPages(t), "/x") {
		if err := write(broken); !errors.Is(err, broken.err) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
