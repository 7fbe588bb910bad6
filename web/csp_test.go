package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sessiongate/web"
)

// hashOf computes the source expression for an inline block as a browser does: over the bytes of
// its text.
func hashOf(n *html.Node) string {
	var block string
	if n.FirstChild != nil {
		block = n.FirstChild.Data
	}
	sum := sha256.Sum256([]byte(block))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestPolicyAllowsExactlyOurBlocks(t *testing.T) {
	p := newPages(t)
	ours := hashOf(one(t, parse(t, english(p).Continue("/")), "script"))
	for name, write := range every(p, "/x") {
		style := one(t, parse(t, renderString(t, write)), "style")
		want := "default-src 'none'; img-src data:; style-src " + hashOf(style) + "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; script-src " + ours
		if got := p.CSP(); got != want {
			t.Errorf("%s: policy\n%s, want\n%s", name, got, want)
		}
	}
}

func TestLogoutPolicyNamesTheProvider(t *testing.T) {
	p := newPages(t)
	got, err := p.LogoutCSP("https://id.example.com", "http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(p.CSP(), "form-action 'self'", "form-action 'self' https://id.example.com http://127.0.0.1:9000", 1)
	if got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
	if none, err := p.LogoutCSP(); err != nil || none != p.CSP() {
		t.Errorf("without a provider: %s, %v", none, err)
	}
}

func TestLogoutPolicyRefusesWhatIsNoOrigin(t *testing.T) {
	p := newPages(t)
	for _, origin := range []string{
		"", "*", "https:", "https://", "https://*", "https://*.example.com", "id.example.com", "javascript:alert(1)", "https://id.example.com/",
		"https://id.example.com/logout", "https://user@id.example.com", "https://id.example.com; script-src *",
		"https://id.example.com\r\nX: y", "https://a https://b", "'unsafe-inline'", "data://x",
	} {
		if csp, err := p.LogoutCSP(origin); err == nil {
			t.Errorf("origin %q was taken: %s", origin, csp)
		}
	}
}

func TestBounce(t *testing.T) {
	doc := parse(t, english(newPages(t)).Bounce())
	script := one(t, doc, "script")
	code := script.FirstChild.Data
	if strings.Contains(code, "\n") || !strings.Contains(code, "location.reload()") {
		t.Errorf("script %q is not one line that reloads", code)
	}
	want := "default-src 'none'; script-src " + hashOf(script) + "; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
	if got := web.BounceCSP(); got != want {
		t.Errorf("policy\n%s, want\n%s", got, want)
	}
	// html.Parse reads as a browser with scripts: the content of noscript is text.
	if !strings.Contains(english(newPages(t)).Bounce(), `<noscript><p><a href="">Continue</a></p></noscript>`) {
		t.Error("no way on without scripts")
	}
	if link := one(t, doc, "a"); attr(link, "href") != "" || attr(link.Parent, "id") != "next" {
		t.Error("no way on when the reload did not help")
	}
	for _, tag := range []string{"style", "link", "img", "form"} {
		if len(all(doc, tag)) != 0 {
			t.Errorf("<%s>, which the policy forbids", tag)
		}
	}
}
