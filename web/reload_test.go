package web_test

import (
	"strings"
	"testing"
)

// The reload page is one constant document that runs its own script only, and has a
// way on without one.
func TestReloadPage(t *testing.T) {
	const signIn = "/auth/login?prompt=login"
	page, err := english(newPages(t)).Reload(signIn)
	if err != nil {
		t.Fatal(err)
	}
	body := string(page.Body)
	doc := parse(t, body)
	script := one(t, doc, "script")
	want := "default-src 'none'; img-src data:; style-src " + hashOf(one(t, doc, "style")) +
		"; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; script-src " + hashOf(script)
	if page.CSP != want {
		t.Errorf("policy\n%s, want\n%s", page.CSP, want)
	}
	code := script.FirstChild.Data
	for _, part := range []string{"sessionStorage", "60000", "location.reload()"} {
		if !strings.Contains(code, part) {
			t.Errorf("the script has no %s", part)
		}
	}
	if text(one(t, doc, "h1")) == "" || len(byAttr(doc, "id", "next")) != 1 {
		t.Error("no heading, or nothing to show when the reload did not help")
	}
	for _, a := range all(doc, "a") {
		if href := attr(a, "href"); href != "" && href != signIn {
			t.Errorf("a link leads to %q", href)
		}
	}
	// html.Parse reads as a browser with scripts: the content of noscript is text.
	_, plain, _ := strings.Cut(body, "<noscript>")
	if !strings.Contains(plain, `href="">Try again</a>`) || !strings.Contains(plain, `href="`+signIn+`"`) {
		t.Error("no way on without scripts")
	}
	if foreign, err := english(newPages(t)).Reload("https://evil.example/"); err != nil || strings.Contains(string(foreign.Body), "evil") {
		t.Errorf("a link to another origin, or %v", err)
	}
}
