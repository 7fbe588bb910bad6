package endpoints

import (
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/web"
)

// The logo has an address of its own bytes, is stored for good, and runs nothing.
func TestLogo(t *testing.T) {
	branded := func(o *Options) {
		var err error
		if o.Pages, err = web.NewPages(web.Options{Logo: []byte("<svg><script>alert(1)</script></svg>")}); err != nil {
			t.Fatal(err)
		}
	}
	d := newDesk(t, &services{}, branded)
	path := d.o.Pages.LogoPath()
	for _, method := range []string{"GET", "HEAD"} {
		rec := d.ask(method, path, "")
		h := rec.Header()
		if rec.Code != 200 || h.Get("Content-Type") != "image/svg+xml" || h.Get("Content-Security-Policy") != web.LogoCSP ||
			!strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("X-Content-Type-Options") != "nosniff" || (rec.Body.Len() == 0) != (method == "HEAD") {
			t.Errorf("%s: %d %v %s", method, rec.Code, h, rec.Body)
		}
	}
	answer{404, "not_found", "", ""}.check(t, "another", d.ask("GET", "/auth/pages/0123456789abcdef.svg", ""))
	answer{404, "not_found", "", ""}.check(t, "none", newDesk(t, &services{}).ask("GET", path, ""))
}

// Whoever is signed in and is asked again reads why, and types nothing that we know.
func TestConfirm(t *testing.T) {
	both := &services{redirects: []string{"corp", "other"}, passwords: []string{"local"}, resolve: func(o session.ResolveOptions) (*session.Session, error) {
		found := alice()
		found.Identity().Claims = []byte(`{"preferred_username": "alice@example.com"}`)
		return found, nil
	}}
	d := newDesk(t, both)
	const name = `value="alice@example.com"`
	for what, row := range map[string]struct {
		target, has, lacks string
	}{
		"recent":          {"/auth/login?max_age=600&return_to=/a", "within the last 10 minutes", "stronger"},
		"recent, a name":  {"/auth/login?max_age=600", name, "Sign in to"},
		"a minute":        {"/auth/login?max_age=59", "within the last minute", "minutes"},
		"now":             {"/auth/login?max_age=0", "needs a new sign-in", "minutes"},
		"stronger":        {"/auth/login?acr_values=gold", "stronger sign-in", "within"},
		"who":             {"/auth/login?max_age=1", "as <strong>Alice</strong>", "Sign in to"},
		"not them":        {"/auth/login?max_age=1&return_to=/a", `href="/auth/logout?return_to=%2Fauth%2Flogin%3Freturn_to%3D%252Fa"`, "Sign in to"},
		"kept in a form":  {"/auth/login?max_age=1&acr_values=x", `action="/auth/login?probe=1&acr_values=x&max_age=1"`, "Sign in to"},
		"to switch":       {"/auth/login?prompt=select_account", "Password", "Confirm it is you"},
		"a hint":          {"/auth/login?prompt=login&login_hint=bob", `value="bob"`, "Confirm it is you"},
		"a hint, hostile": {"/auth/login?prompt=login&login_hint=%22%3E%3Cb%3E", `value="&#34;&gt;&lt;b&gt;"`, "<b>"},
	} {
		body := strings.ReplaceAll(d.person("GET", row.target, "", cookie).Body.String(), "&amp;", "&")
		if !strings.Contains(body, row.has) || strings.Contains(body, row.lacks) {
			t.Errorf("%s: want %q and not %q in %s", what, row.has, row.lacks, body)
		}
	}
	both.resolve = gone
	answer{200, "Sign in", "", ""}.check(t, "nobody", d.person("GET", "/auth/login?max_age=1", "", cookie))
	if body := d.person("GET", "/auth/login?max_age=1", "", cookie).Body.String(); strings.Contains(body, "Confirm it is you") {
		t.Error("confirms who is not signed in")
	}
}

// Pages speak the language that was asked for, say so, and take the wish along.
func TestLanguage(t *testing.T) {
	s := &services{redirects: []string{"corp", "other"}, passwords: []string{"local"}, resolve: gone}
	var asked string
	s.startLogin = func(l session.LoginStart) (string, error) {
		asked = l.AuthRequest.UILocales
		return "https://corp.example/", nil
	}
	d := newDesk(t, s)
	for name, row := range map[string]struct{ target, header, language, body string }{
		"nothing said":   {"/auth/login", "X-Y: z", "en", "Sign in"},
		"header":         {"/auth/login", "Accept-Language: de-AT,de;q=0.8", "de", "Anmelden"},
		"parameter":      {"/auth/login?ui_locales=de", "Accept-Language: en", "de", "Anmelden"},
		"in its forms":   {"/auth/login?ui_locales=de+x%26y", "Accept-Language: en", "de", `action="/auth/login?probe=1&ui_locales=de"`},
		"in its links":   {"/auth/login?ui_locales=de", "X-Y: z", "de", `provider=corp&return_to=%2F&ui_locales=de`},
		"not there":      {"/auth/login?ui_locales=fr", "X-Y: z", "en", "Sign in"},
		"before a start": {"/auth/login?ui_locales=de&provider=corp", "X-Y: z", "de", "begin=1&provider=corp&return_to=%2F&ui_locales=de"},
		"signed out":     {"/auth/logout/done?ui_locales=de", "X-Y: z", "de", `href="/auth/login?ui_locales=de"`},
		"an error":       {"/auth/nothing", "Accept-Language: de", "de", "Hier ist nichts"},
	} {
		rec := d.person("GET", row.target, "", row.header)
		h, body := rec.Header(), strings.ReplaceAll(rec.Body.String(), "&amp;", "&")
		if h.Get("Content-Language") != row.language || !strings.Contains(strings.Join(h.Values("Vary"), ","), "Accept-Language") ||
			!strings.Contains(body, `<html lang="`+row.language+`" dir="ltr">`) || !strings.Contains(body, row.body) {
			t.Errorf("%s: %v %s", name, h, body)
		}
	}
	d.person("GET", "/auth/login?ui_locales=de-AT+%3Cb%3E+en&provider=corp&begin=1", "")
	if asked != "de-AT en" {
		t.Errorf("the provider is asked for %q", asked)
	}
}
