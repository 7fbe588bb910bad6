package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// The page leads to exactly one place, the same by itself and by its link, and nothing in the path
// becomes markup.
func TestContinueLeadsToThePath(t *testing.T) {
	for path, want := range map[string]string{
		"/a?b=1&c=2#d":          "/a?b=1&c=2#d",
		`/"><script>x</script>`: `/%22><script>x</script>`,
		"/it's;url=//evil":      "/it%27s;url=//evil",
		"//evil.example":        "/",
		"https://evil.example":  "/",
		"javascript:alert(1)":   "/",
		"":                      "/",
	} {
		page := english(newPages(t)).Continue(path)
		// As a browser without scripts reads it: what stands in noscript are elements.
		doc, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
		if err != nil {
			t.Fatal(err)
		}
		var refresh, link string
		var scripts []string
		for n := range doc.Descendants() {
			switch n.Data {
			case "script":
				scripts = append(scripts, hashOf(n))
			case "a":
				link = attr(n, "href")
			case "meta":
				if attr(n, "http-equiv") == "refresh" {
					refresh = strings.TrimPrefix(attr(n, "content"), "0; url=")
				}
			}
		}
		if refresh != want || link != want {
			t.Errorf("%q: refresh to %q, link to %q, want %q", path, refresh, link, want)
		}
		policy := "default-src 'none'; script-src " + strings.Join(scripts, " ") + "; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
		if got := newPages(t).PassingCSP(); len(scripts) != 1 || got != policy {
			t.Errorf("%q: policy\n%s, want\n%s", path, got, policy)
		}
	}
}

// The page before a sign-in notes the fragment for the very text that the page after it leads to,
// and leads on by itself, by a meta refresh, and by its link.
func TestBeginLeadsOn(t *testing.T) {
	const next = "/auth/login?begin=1&return_to=%2Fa%27b"
	p := newPages(t)
	for _, path := range []string{"/a", `/a?b='1'&c="2"`, "//evil.example", `/"><script>x</script>`} {
		begin, after := parse(t, english(p).Begin(next, path)), parse(t, english(p).Continue(path))
		link, arrive := one(t, begin, "a"), one(t, after, "a")
		if attr(link, "href") != next || attr(link, "data-leave") == "" || attr(link, "data-leave") != attr(arrive, "href") {
			t.Errorf("%q: noted for %q, arrives at %q; link to %q", path, attr(link, "data-leave"), attr(arrive, "href"), attr(link, "href"))
		}
		if hashOf(one(t, begin, "script")) != hashOf(one(t, after, "script")) {
			t.Error("two scripts")
		}
		if !strings.Contains(english(p).Begin(next, path), `<noscript><meta http-equiv="refresh" content="0; url=`+html.EscapeString(next)+`"></noscript>`) {
			t.Errorf("%q: no way on without scripts", path)
		}
	}
}
