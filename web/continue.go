package web

import (
	"html"
	"strings"
)

// Begin is the page before a sign-in at another site. It notes the fragment of its
// own address, which no server ever sees, in the tab's sessionStorage for the
// [Edition.Continue] page of the same path, and leads on to next by itself: without
// the fragment, which is none of the other site's business. next and path are on this
// origin; others become "/", as in every [Link].
//
// A page that led to the other site at once would hold the address of the sign-in, with
// its state, where any script of our origin can read it. It goes out as 200 text/html
// with PassingCSP and "Cache-Control: no-store".
func (e *Edition) Begin(next, path string) string {
	return e.passing("passing.title", next, ` data-leave="`+passingTarget(path)+`"`)
}

// Continue is the page that follows a sign-in at another site. It leads on to a path of ours by
// itself: a redirect would belong to the chain that began over there, and the SameSite=Strict
// cookie that was just set would not come along; what this page begins is a navigation of our own
// origin. A path on another origin becomes "/", as in every Link. The fragment that an [Edition.Begin]
// page of this tab noted for the same path in the last hour is put back.
//
// It goes out as 200 text/html with PassingCSP and "Cache-Control: no-store".
func (e *Edition) Continue(path string) string {
	return e.passing("passing.signed_in", path, " data-arrive")
}

// passing leads on with the script, by a meta refresh where there are no scripts, and
// by a click where neither works.
func (e *Edition) passing(title, next, mark string) string {
	target := passingTarget(next)
	refresh := `<noscript><meta http-equiv="refresh" content="0; url=` + target + `"></noscript>
`
	return e.bareHead(title, refresh) + `<p><a href="` + target + `"` + mark + `>` + html.EscapeString(e.Text("button.continue", nil)) + `</a></p>
<script>` + e.pages.scripts.fragment + `</script>
</body>
</html>
`
}

// passingTarget is a path as an attribute's value. Within the content attribute of a meta
// refresh a quote would begin a URL that ends at the next one; percent-encoded it is just text.
func passingTarget(path string) string {
	return html.EscapeString(strings.NewReplacer(`"`, "%22", "'", "%27").Replace(localPath(path)))
}

// PassingCSP returns the Content-Security-Policy of the Begin and Continue pages:
// their script by hash, and nothing else.
func (p *Pages) PassingCSP() string {
	return "default-src 'none'; script-src " + cspHash(p.scripts.fragment) +
		"; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}
