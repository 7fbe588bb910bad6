package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sessiongate/gateway/routing"
)

// mapped is what a response to a request for the upstream path becomes on a route of
// https://app.example.com.
func mapped(t testing.TB, route *routing.Route, upstream, path, name, value string) string {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	route.Upstream.Addresses = []*url.URL{u}
	if err := route.Check(); err != nil {
		t.Fatal(err)
	}
	r := newReferences(route, &url.URL{Scheme: "https", Host: "app.example.com"}, []string{"/auth", "/.well-known"})
	base := strings.TrimSuffix(u.EscapedPath(), "/")
	h := http.Header{name: {value}}
	r.apply(h, sentTo{inner: base + route.UpstreamPrefix(), base: base, path: path})
	return h[name][0]
}

const app = "https://app.example.com"

func TestReferencesLeadBackHere(t *testing.T) {
	const up = "http://127.0.0.1:8000"
	cut := routing.Route{Path: "/py/", StripPrefix: "/py"}
	whole := routing.Route{Path: "/"}
	rewritten := routing.Route{Path: "/v1/", Rewrite: "/v2/"}
	named := routing.Route{Path: "/py/", StripPrefix: "/py", Upstream: routing.Upstream{Host: "api.internal"}}
	own := routing.Route{Path: "/py/", StripPrefix: "/py", Upstream: routing.Upstream{Host: routing.HostUpstream}}
	for name, c := range map[string]struct {
		route    routing.Route
		upstream string
		path     string // of the request, below the base path
		from, to string // "": as it is
	}{
		"FastAPI's slash":                  {cut, up, "/items", up + "/items/", app + "/py/items/"},
		"the Host that it got":             {cut, up, "/items", "http://app.example.com/items/", app + "/py/items/"},
		"with its port":                    {cut, up, "/items", "http://APP.example.com:80/items/", app + "/py/items/"},
		"and the right scheme":             {cut, up, "/items", app + "/items/?a=/b#c", app + "/py/items/?a=/b#c"},
		"without a scheme":                 {cut, up, "/items", "//127.0.0.1:8000/items/", "//app.example.com/py/items/"},
		"without a path":                   {cut, up, "/items", up + "?x", app + "/py/?x"},
		"a name of its own":                {named, up, "/items", "http://api.internal/items/", app + "/py/items/"},
		"and its address":                  {named, up, "/items", up + "/items/", app + "/py/items/"},
		"its own Host":                     {own, up, "/items", up + "/x", app + "/py/x"},
		"the public one, rightly":          {own, up, "/items", app + "/x", ""},
		"the public one, without TLS":      {own, up, "/items", "http://app.example.com/x", app + "/py/x"},
		"rooted, with a slash":             {cut, up, "/items", "/items/?q", "/py/items/?q"},
		"rooted, without":                  {cut, up, "/a%20b//c/", "/a%20b/c", "/py/a%20b/c"},
		"rooted, elsewhere":                {cut, up, "/items", "/welcome", ""},
		"rooted, with the prefix":          {cut, up, "/py/items", "/py/items/", ""},
		"rooted, where nothing is cut":     {whole, up, "/items", "/items/", ""},
		"absolute, where nothing is cut":   {whole, up, "/items", up + "/items/", app + "/items/"},
		"it knows the prefix":              {cut, up, "/items", up + "/py/items/", app + "/py/items/"},
		"it knows the prefix and the host": {cut, up, "/items", "http://app.example.com/py/items/", app + "/py/items/"},
		"the sign-in page":                 {cut, up, "/items", "/auth/login", ""},
		"the whole sign-in page":           {cut, up, "/items", "http://app.example.com/auth/login", app + "/auth/login"},
		"its own sign-in page":             {cut, up, "/items", up + "/auth/login", app + "/py/auth/login"},
		"which ours would hide":            {whole, up, "/items", up + "/auth/login", ""},
		"also by way of dots":              {whole, up, "/items", up + "/x/%2E%2e/auth/login", ""},
		"base path":                        {whole, up + "/base", "/items", "/base/items/", "/items/"},
		"base path alone":                  {whole, up + "/base", "/items", "/base", "/"},
		"beside the base path":             {whole, up + "/base", "/items", "/basement", ""},
		"base path and prefix":             {cut, up + "/base", "/items", up + "/base/x", app + "/py/x"},
		"outside the base path":            {cut, up + "/base", "/items", up + "/x", ""},
		"base path and prefix are equal":   {cut, up + "/py", "/items", "/py/x", ""},
		"rewrite":                          {rewritten, up, "/v2/x", "/v2/y", "/v1/y"},
		"rewrite with a base":              {rewritten, up + "/base", "/v2/x", up + "/base/v2/y", app + "/v1/y"},
		"rewrite, out of it":               {rewritten, up, "/v2/x", "/v3/y", ""},
		"dots":                             {cut, up, "/items", up + "/a/../b/.", app + "/py/b/"},
		"dots above the root":              {cut, up, "/items", up + "/../../x", app + "/py/x"},
		"another host":                     {cut, up, "/items", "https://id.example.com/items/", ""},
		"another port":                     {cut, up, "/items", "http://127.0.0.1:8001/items/", ""},
		"another host in the query":        {cut, up, "/items", "https://id.example.com?next=" + up + "/", ""},
		"a user name":                      {cut, up, "/items", "http://127.0.0.1:8000@evil.example/", ""},
		"our name and more":                {cut, up, "/items", "http://app.example.com.evil.example/", ""},
		"relative":                         {cut, up, "/items", "items/", ""},
		"another scheme":                   {cut, up, "/items", "mailto:a@app.example.com", ""},
		"a redirect out in disguise":       {whole, up + "/base", "/items", "/base//evil.example", ""},
		"and with a backslash":             {whole, up + "/base", "/items", `/base/\evil.example`, ""},
		"and with a tab":                   {whole, up + "/base", "/items", "/base/\t/evil.example", ""},
		"and with dots":                    {whole, up + "/base", "/items", "/base/.//evil.example", ""},
		"two slashes of a request":         {cut, up, "//evil.example", "//evil.example/", ""},
		"off":                              {routing.Route{Path: "/py/", StripPrefix: "/py", Upstream: routing.Upstream{KeepReferences: true}}, up, "/items", up + "/items/", ""},
		"another host's route":             {routing.Route{Path: "/", Host: "cdn.example.com"}, up, "/items", up + "/x", "https://cdn.example.com/x"},
		"https":                            {cut, "https://api.internal", "/items", "https://api.internal/x", app + "/py/x"},
		"https, and the public host":       {cut, "https://api.internal", "/items", app + "/x", ""},
		"IPv6":                             {cut, "http://[::1]:8000", "/items", "http://[::1]:8000/x", app + "/py/x"},
	} {
		if c.to == "" {
			c.to = c.from
		}
		for _, header := range []string{"Location", "Content-Location"} {
			route := c.route
			if got := mapped(t, &route, c.upstream, c.path, header, c.from); got != c.to {
				t.Errorf("%s: %s: %s becomes %s, want %s", name, header, c.from, got, c.to)
			}
		}
	}
}

func TestRefreshLeadsBackHere(t *testing.T) {
	for from, to := range map[string]string{
		"0; url=http://127.0.0.1:8000/x":      "0; url=" + app + "/py/x",
		"5;URL = 'http://127.0.0.1:8000/x' y": "5; url='" + app + "/py/x'",
		`5,"http://127.0.0.1:8000/x"`:         `5, url="` + app + `/py/x"`,
		"1.5; http://127.0.0.1:8000/x":        "1.5; url=" + app + "/py/x",
		"5":                                   "5",
		"5; url=https://other.example/":       "5; url=https://other.example/",
		"5; url=":                             "5; url=",
		"5; urls=1":                           "5; urls=1",
	} {
		route := routing.Route{Path: "/py/", StripPrefix: "/py"}
		if got := mapped(t, &route, "http://127.0.0.1:8000", "/items", "Refresh", from); got != to {
			t.Errorf("%s becomes %s, want %s", from, got, to)
		}
	}
}

func TestCookiesOfTheUpstreamComeBack(t *testing.T) {
	based, cut := routing.Route{Path: "/"}, routing.Route{Path: "/py/", StripPrefix: "/py"}
	for _, c := range []struct {
		route    routing.Route
		upstream string
		from, to string
	}{
		{based, "http://api:9000/base", "a=1; Path=/base; HttpOnly", "a=1; Path=/; HttpOnly"},
		{based, "http://api:9000/base", "a=1; path=/base/x;Secure", "a=1; Path=/x;Secure"},
		{based, "http://api:9000/base", "a=1; Path=/basement", "a=1; Path=/basement"},
		{based, "http://api:9000/base", "__Host-a=1; Path=/; Secure", "__Host-a=1; Path=/; Secure"},
		{based, "http://api:9000", "a=/base; Path=/base", "a=/base; Path=/base"},
		{cut, "http://api:9000", "a=1; Path=/items", "a=1; Path=/py/items"},
		{cut, "http://api:9000", "a=1; Path=/py/items", "a=1; Path=/py/items"},
		{cut, "http://api:9000", "a=1; Path=/", "a=1; Path=/"},
		{cut, "http://api:9000", "a=1; Path", "a=1; Path"},
		{cut, "http://api.internal:9000", "a=1; Domain=api.internal; Secure", "a=1; Secure"},
		{cut, "http://api.internal:9000", "a=1;domain=.INTERNAL", "a=1"},
		{cut, "http://api.internal:9000", "a=1; Domain=example.com", "a=1; Domain=example.com"},
		{cut, "http://api.example.com", "a=1; Domain=.example.com", "a=1; Domain=.example.com"},
		{cut, "http://api.internal:9000", "a=1; Domain=nal", "a=1; Domain=nal"},
		{cut, "http://api.internal:9000", "a=Domain=api.internal", "a=Domain=api.internal"},
	} {
		if got := mapped(t, &c.route, c.upstream, "/x", "Set-Cookie", c.from); got != c.to {
			t.Errorf("%s: %s becomes %s, want %s", c.upstream, c.from, got, c.to)
		}
	}
}

// What is mapped leads to our own origin, below the route, and never to a page of the gateway's.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{
		"http://127.0.0.1:8000/base/x", "/base//evil.example", "//127.0.0.1:8000/base/../auth/login", "/base/%2e%2e/auth?x#y",
		"http://app.example.com/auth/login", "/base/.//evil", "https://127.0.0.1:8000/base/\\evil", "http://app.example.com:443//x",
	} {
		f.Add(seed)
	}
	public, _ := url.Parse(app + "/py/items")
	f.Fuzz(func(t *testing.T, from string) {
		for _, route := range []routing.Route{{Path: "/"}, {Path: "/py/", StripPrefix: "/py"}} {
			got := mapped(t, &route, "http://127.0.0.1:8000/base", "/items", "Location", from)
			if got == from {
				continue
			}
			u, err := public.Parse(got)
			if err != nil {
				continue // it was no URL before, either
			}
			if u.Host != "app.example.com" || strings.HasPrefix(got, "//") && !strings.HasPrefix(got, "//app.example.com/") {
				t.Fatalf("%q leads to %q", from, got)
			}
			was, err := url.Parse(from)
			if err == nil && was.Host != "app.example.com" && (routing.Under(u.Path, "/auth") || !routing.Under(u.Path, route.PublicPrefix())) {
				t.Fatalf("%q leads to %q", from, got)
			}
		}
	})
}
