package web

import (
	"html"
	"strings"
)

// Continue is the page that follows a sign-in at another site. It leads on to a path of ours by itself: a redirect would
// belong to the chain that began over there, and the SameSite=Strict cookie that was just set would not come along; a
// meta refresh is a navigation of our own origin. A path on another origin becomes "/", as in every Link.
//
// It goes out as 200 text/html with ContinueCSP and "Cache-Control: no-store".
func Continue(path string) string {
	// Within the content attribute a quote would begin a URL that ends at the next one; percent-encoded it is just text.
	target := html.EscapeString(strings.NewReplacer(`"`, "%22", "'", "%27").Replace(localPath(path)))
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0; url=` + target + `">
<title>Signed in</title>
</head>
<body>
<p><a href="` + target + `">Continue</a></p>
</body>
</html>
`
}

// ContinueCSP returns the Content-Security-Policy of the Continue page: nothing at all.
func ContinueCSP() string {
	return "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}
