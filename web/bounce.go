package web

import "html"

// bounceScript reloads, but never twice in a row: where a reload still got this page (a browser
// that calls it cross-site, a proxy that rewrites Sec-Fetch-Site) the link is shown instead of
// going round for ever.
const bounceScript = `performance.getEntriesByType("navigation")[0]?.type==="reload"?document.getElementById("next").hidden=false:location.reload()`

// Bounce is the page that answers a navigation from another site which came without our
// SameSite=Strict cookie. It makes the browser ask again, now from our own origin, and so with the
// cookie (RFC 6265bis §5.2). It is one constant document: nothing of the request is in it, so there
// is nothing to inject and nothing to leak.
//
// The reload keeps the #fragment, which meta refresh and location.replace do not. The empty href
// names the document itself, and a click on it is a same-origin navigation too.
//
// It goes out as 200 text/html with BounceCSP, "Cache-Control: no-store" and "Vary: Sec-Fetch-Site,
// Cookie".
func (e *Edition) Bounce() string {
	next := html.EscapeString(e.Text("button.continue", nil))
	return e.bareHead("passing.title", "") + `<p id="next" hidden><a href="">` + next + `</a></p>
<noscript><p><a href="">` + next + `</a></p></noscript>
<script>` + bounceScript + `</script>
</body>
</html>
`
}

// BounceCSP returns the Content-Security-Policy of the bounce page: its one script by hash, and
// nothing else.
func BounceCSP() string {
	return "default-src 'none'; script-src " + cspHash(bounceScript) +
		"; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}

// bareHead begins a page that leads on by itself and is not looked at: it has no style. extra is
// markup for its head.
func (e *Edition) bareHead(title, extra string) string {
	return `<!doctype html>
<html lang="` + e.language.Tag() + `" dir="` + e.language.Direction() + `">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
` + extra + `<title>` + html.EscapeString(e.Text(title, nil)) + `</title>
</head>
<body>
`
}
