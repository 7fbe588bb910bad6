package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sessiongate/web"
)

// The page leads to exactly one place, the same by itself and by its link, and nothing in the path becomes markup.
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
		doc, err := html.Parse(strings.NewReader(web.Continue(path)))
		if err != nil {
			t.Fatal(err)
		}
		var refresh, link string
		for n := range doc.Descendants() {
			switch n.Data {
			case "script":
				t.Errorf("%q: a script", path)
			case "a":
				link = n.Attr[0].Val
			case "meta":
				if n.Attr[0].Val == "refresh" {
					refresh = strings.TrimPrefix(n.Attr[1].Val, "0; url=")
				}
			}
		}
		if refresh != want || link != want {
			t.Errorf("%q: refresh to %q, link to %q, want %q", path, refresh, link, want)
		}
	}
}
