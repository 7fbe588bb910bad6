package configs_test

import (
	"io/fs"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"sessiongate/configs"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
)

// What the default Content-Security-Policy blocks of an app's page is told, with its line.
func TestPagePolicy(t *testing.T) {
	const blocks = ", which the default Content-Security-Policy blocks: do without it (files of the app are fine), or write csp:"
	for name, row := range map[string]struct{ page, route, want string }{
		"a build": {page: "<!doctype html>\n<html><head><link rel=icon href='data:image/svg+xml,x'><link rel=canonical href=https://a.test/>\n" +
			"<script type=module crossorigin src=/assets/index-1.js></script><link rel=stylesheet href=./a.css><style>\n</style>\n" +
			"<script type=\"application/ld+json\">{\"a\":1}</script><!-- <script>x()</script> -->\n<noscript><p style='x:y'>needs scripts</p></noscript>\n" +
			"<a href=https://other.test/>on</a><img src=data:image/png,x><script src=https://app.example.com/x.js></script>"},
		"inline script":  {page: "<!doctype html>\n<title>x</title>\n<script>\n\n</script>\n<script\n>\nstart()</script>", want: "index.html:7 has an inline script"},
		"import map":     {page: "<script type=importmap>{}</script>", want: "index.html:1 has an inline script"},
		"inline style":   {page: "\n<style>a{}</style>", want: "index.html:2 has an inline style"},
		"style":          {page: "<p\nstyle='a:b'>", want: "index.html:1 has an inline style"},
		"handler":        {page: "<p>\n<b onclick=go()>", want: "index.html:2 has an inline event handler (onclick)"},
		"address":        {page: "<a href=' javascript:go()'>", want: "index.html:1 has a javascript: address"},
		"fonts":          {page: "\n\n<link rel='preconnect' href=https://fonts.test>\n<link href=https://fonts.test/css2 rel=stylesheet>", want: "index.html:4 has <link> from https://fonts.test"},
		"another scheme": {page: "<script src=//cdn.test:8443/x.js></script>", want: "index.html:1 has <script> from https://cdn.test:8443"},
		"frame":          {page: "<iframe src='data:text/html,canary'></iframe>", want: "index.html:1 has <iframe> from another origin"},
		"picture":        {page: "<img src=https://img.test/x.png>", want: "index.html:1 has <img> from https://img.test"},
		"base":           {page: "<base href=/>", want: "index.html:1 has <base>"},
		"policy":         {page: "<script>x()</script>", route: `, csp: "script-src 'unsafe-inline'"`},
		"no policy":      {page: "<script>x()</script>", route: ", csp: none"},
		"header":         {page: "<script>x()</script>", route: `, response_headers: {set: ["content-security-policy: script-src 'unsafe-inline'"]}`},
		"cut off":        {page: "<scr"},
	} {
		dir := folder(t)
		write(t, filepath.Join(dir, "app", "index.html"), row.page, 0o600)
		text := strings.Replace(working, `upstreams: ["http://api:9000"]`, "static: app, session: none"+row.route, 1)
		warnings := load(t, dir, text, noEnv).Warnings
		switch {
		case row.want == "" && len(warnings) > 0, row.want != "" && len(warnings) != 1:
			t.Errorf("%s: warnings %v", name, warnings)
		case row.want != "" && (warnings[0].Path != "routes[0].static" || !strings.HasPrefix(warnings[0].What, row.want+blocks)):
			t.Errorf("%s: warned of %s\nwant %s", name, warnings[0], row.want)
		}
	}
}

// The reference shows the policy that pages really have.
func TestReferencePolicy(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^ *#csp: "([^"]+)"`).FindStringSubmatch(configs.Reference)
	folder, err := static.New(fs.FS(fstest.MapFS{"index.html": {Data: []byte("x")}}), static.Options{})
	if err != nil || shown == nil {
		t.Fatalf("%v, %q", err, shown)
	}
	answer := httptest.NewRecorder()
	if err := folder.Serve(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), routing.Target{Path: "/"}); err != nil {
		t.Fatal(err)
	}
	if got := answer.Header().Get("Content-Security-Policy"); got != shown[1] {
		t.Errorf("the reference shows %q, pages have %q", shown[1], got)
	}
}
