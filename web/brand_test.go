package web_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sessiongate/web"
	"sessiongate/web/messages"
)

func branded(t *testing.T, o web.Options) *web.Pages {
	t.Helper()
	p, err := web.NewPages(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// looked are the pages that people look at, whole, in one language; s stands in every text field.
func looked(t *testing.T, p *web.Pages, language, s string) map[string]string {
	t.Helper()
	e := p.Edition(language, "")
	found := map[string]string{}
	for name, write := range every(p, s) {
		if language == "" {
			found[name] = renderString(t, write)
		}
	}
	account := accountPage(s)
	account.Done = "one"
	for name, write := range map[string]func(io.Writer) error{
		"account": func(w io.Writer) error { return e.Account(w, account) },
		"confirm": func(w io.Writer) error {
			_, err := e.ConfirmEnd(w, web.ConfirmPage{Account: account, End: "others"})
			return err
		},
	} {
		found[name] = renderString(t, write)
	}
	reload, err := e.Reload("/auth/login?prompt=login")
	if err != nil {
		t.Fatal(err)
	}
	found["reload"] = string(reload.Body)
	return found
}

const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`

// The name, the picture, the links and the footer stand on every page, errors too.
func TestEveryPageIsBranded(t *testing.T) {
	p := branded(t, web.Options{
		Name: "Example & Co", Logo: []byte(svg), Stylesheet: ".button { border-radius: 0 }\r\n", Accent: "#aa0000", Footer: "Example Ltd <1>", Prefix: "/sso",
		Links: web.Links{Help: "https://help.example.com/?a=1&b=2", Privacy: "/privacy", Terms: "https://www.example.com/terms"},
	})
	for name, page := range looked(t, p, "", "/x") {
		doc := parse(t, page)
		logo := one(t, doc, "img")
		if attr(logo, "src") != p.LogoPath() || !strings.HasPrefix(p.LogoPath(), "/sso/pages/") || !hasAttr(logo, "alt") {
			t.Errorf("%s: logo %q", name, attr(logo, "src"))
		}
		if attr(byAttr(doc, "rel", "icon")[0], "href") != p.LogoPath() {
			t.Errorf("%s: another favicon", name)
		}
		if !strings.HasSuffix(text(one(t, doc, "title")), "Example & Co") || !strings.Contains(text(one(t, doc, "header")), "Example & Co") {
			t.Errorf("%s: not called Example & Co", name)
		}
		footer := one(t, doc, "footer")
		if !strings.HasSuffix(text(footer), "Help Privacy Terms Example Ltd <1>") || len(byAttr(footer, "href", "https://help.example.com/?a=1&b=2")) != 1 {
			t.Errorf("%s: footer %q", name, text(footer))
		}
		style := one(t, doc, "style")
		if !strings.HasSuffix(style.FirstChild.Data, ".button { border-radius: 0 }\n") || !strings.Contains(style.FirstChild.Data, "--accent: #aa0000") {
			t.Errorf("%s: not in the operator's style", name)
		}
		for _, csp := range []string{p.CSP(), p.AccountCSP()} {
			if !strings.Contains(csp, "img-src 'self';") || !strings.Contains(csp, "style-src "+hashOf(style)+";") {
				t.Errorf("%s: policy %s", name, csp)
			}
		}
	}
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// An operator's texts are text, whatever is in them.
func TestHostileBrand(t *testing.T) {
	clean := map[string]int{}
	for _, s := range []string{"x", `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><b>`, `{{.Password}}`} {
		p := branded(t, web.Options{Name: s, Footer: s, Messages: []*messages.Catalogue{hostileTexts(t, s)}})
		for name, page := range looked(t, p, "", "/x") {
			n := elements(parse(t, page))
			if s == "x" {
				clean[name] = n
			}
			if n != clean[name] {
				t.Errorf("%s: %q became markup", name, s)
			}
		}
	}
}

func hostileTexts(t *testing.T, s string) *messages.Catalogue {
	t.Helper()
	var file strings.Builder
	for _, key := range messages.Of("en").Keys() {
		fmt.Fprintf(&file, "%s: %q\n", key, s)
	}
	c, faults := messages.Parse("en.yaml", []byte(file.String()))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

func TestLogo(t *testing.T) {
	for name, row := range map[string]struct{ body, ext, kind string }{
		"SVG":             {svg, ".svg", "image/svg+xml"},
		"SVG, plain":      {"<!-- ours -->\n<svg viewBox=\"0 0 1 1\"/>", ".svg", "image/svg+xml"},
		"PNG":             {"\x89PNG\r\n\x1a\n....", ".png", "image/png"},
		"WebP":            {"RIFF\x00\x00\x00\x00WEBPVP8 ", ".webp", "image/webp"},
		"HTML":            {"<html><svg></svg></html>", "", ""},
		"HTML, disguised": {"<!doctype html><html><svg></svg>", "", ""},
		"GIF":             {"GIF89a", "", ""},
		"nothing":         {" ", "", ""},
		"too large":       {"<svg>" + strings.Repeat(" ", web.MaxLogo), "", ""},
	} {
		logo, err := web.NewLogo([]byte(row.body))
		if (err != nil) != (row.ext == "") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil && (!strings.HasSuffix(logo.File, row.ext) || logo.Type != row.kind) {
			t.Errorf("%s: %s, %s", name, logo.File, logo.Type)
		}
	}
	if !strings.Contains(web.LogoCSP, "default-src 'none'") || !strings.Contains(web.LogoCSP, "sandbox") {
		t.Errorf("an SVG may run its scripts under %q", web.LogoCSP)
	}
}

func TestOptionsThatAreNoGood(t *testing.T) {
	for name, o := range map[string]web.Options{
		"accent": {Accent: "red"}, "style": {Stylesheet: "a{}</sTyle><script>"}, "bytes": {Stylesheet: "\xff"}, "NUL": {Stylesheet: "a\x00"},
		"large": {Stylesheet: strings.Repeat(" ", web.MaxStylesheet+1)}, "logo": {Logo: []byte("x")}, "language": {Languages: []string{"fr"}},
	} {
		if _, err := web.NewPages(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Whatever the accent, text on it and in it can be read, in the light and in the dark.
func TestAccentsKeepContrast(t *testing.T) {
	accents := []string{"#000000", "#ffffff", "#ffff00", "#0000ff", "#00ff00", "#ff0000", "#777777", "#767676", "#3f51c9"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		accents = append(accents, fmt.Sprintf("#%06x", r.IntN(1<<24)))
	}
	for _, accent := range accents {
		page := renderString(t, func(w io.Writer) error {
			return english(branded(t, web.Options{Accent: accent, Languages: []string{"en"}})).SignedOut(w, web.SignedOutPage{})
		})
		for scheme, colours := range accented(t, one(t, parse(t, page), "style").FirstChild.Data) {
			for _, pair := range [][2]string{
				{"on-accent", "accent"},
				{"on-accent", "accent-deep"},
				{"focus", "card"},
				{"focus", "page"},
				{"focus", "chip"},
				{"text", "glow"},
				{"soft", "glow"},
			} {
				if c := contrast(t, colours[pair[0]], colours[pair[1]]); c < 4.5 {
					t.Errorf("%s, %s: %s %s on %s %s is %.2f:1", accent, scheme, pair[0], colours[pair[0]], pair[1], colours[pair[1]], c)
				}
			}
		}
	}
}

// accented are the colours of both schemes once those of the accent have taken their place.
func accented(t *testing.T, css string) map[string]map[string]string {
	t.Helper()
	property := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	blocks := strings.Split(css, ":root {")[1:]
	if len(blocks)%2 != 0 {
		t.Fatalf("%d :root blocks", len(blocks))
	}
	found := map[string]map[string]string{"light": {}, "dark": {}}
	for i, block := range blocks {
		block, _, _ := strings.Cut(block, "}")
		for _, m := range property.FindAllStringSubmatch(block, -1) {
			found[[]string{"light", "dark"}[i%2]][m[1]] = m[2]
		}
	}
	return found
}

// A language that looks like no other, shows that no text is written
// into a page: what is left of plain letters is data.
func TestPseudoLanguage(t *testing.T) {
	p := branded(t, web.Options{Name: "1", Languages: []string{"mi"}, Messages: []*messages.Catalogue{pseudo(t)}, Links: web.Links{Help: "/1", ForgotPassword: "/2", SignUp: "/3"}})
	plain := regexp.MustCompile(`[A-Za-z]{2,}`)
	for name, page := range looked(t, p, "", "/1") {
		doc := parse(t, page)
		for _, tag := range []string{"style", "script"} {
			for _, n := range all(doc, tag) {
				n.Parent.RemoveChild(n)
			}
		}
		for _, noscript := range all(doc, "noscript") { // parsed as text
			for n := noscript.FirstChild; n != nil; n = n.NextSibling {
				n.Data = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(n.Data, "")
			}
		}
		if bad := plain.FindString(strings.ReplaceAll(text(doc), "sessiongate demo --tls", "")); bad != "" && bad != "http" {
			t.Errorf("%s: %q in %s", name, bad, text(doc))
		}
		if attr(one(t, doc, "html"), "lang") != "mi" {
			t.Errorf("%s: lang %q", name, attr(one(t, doc, "html"), "lang"))
		}
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if (a.Key == "aria-label" || a.Key == "alt" || a.Key == "title") && plain.MatchString(a.Val) {
					t.Errorf("%s: %s=%q", name, a.Key, a.Val)
				}
			}
		}
	}
}

// pseudo has every text, in letters that no other has.
func pseudo(t *testing.T) *messages.Catalogue {
	t.Helper()
	l, err := messages.NewSet([]string{"en"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	places := regexp.MustCompile(`\{[a-z_]+\}`)
	var file strings.Builder
	for _, key := range messages.Of("en").Keys() {
		text := l.All()[0].Template(key, nil)
		var b strings.Builder
		at := 0
		for _, m := range append(places.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
			b.WriteString(strange(text[at:m[0]]) + text[m[0]:m[1]])
			at = m[1]
		}
		fmt.Fprintf(&file, "%s: %q\n", key, b.String())
	}
	c, faults := messages.Parse("mi.yaml", []byte(file.String()))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

// strange replaces each letter by one that is not ASCII.
func strange(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r + 0x3b1 - 'a'
		}
		return r
	}, text)
}
