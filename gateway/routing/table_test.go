package routing_test

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"sessiongate/gateway/routing"
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newTable(t testing.TB) *routing.Table {
	t.Helper()
	up := []*url.URL{{Scheme: "http", Host: "app:9000"}}
	table, err := routing.NewTable([]*routing.Route{
		{Path: "/", Static: fstest.MapFS{}},
		{Path: "/api/", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/api/admin/", Upstream: routing.Upstream{Addresses: up}, Access: routing.Access{Require: routing.Require{Roles: []string{"admin"}}}},
		{Path: "/api/docs/", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/cut", Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/cut"},
		{Path: "/cut/deep/er", Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/cut/deep"},
	}, []string{"/auth", "/.well-known"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMatch(t *testing.T) {
	table := newTable(t)
	for target, want := range map[string]struct{ route, path, query string }{
		"/":                           {"/", "/", ""},
		"/apix":                       {"/", "/apix", ""},
		"/api":                        {"/api/", "/api", ""},
		"/api/":                       {"/api/", "/api/", ""},
		"/api/x?a=b?c":                {"/api/", "/api/x", "a=b?c"},
		"/api/x?../admin;%zz":         {"/api/", "/api/x", "../admin;%zz"},
		"/api/admin":                  {"/api/admin/", "/api/admin", ""},
		"/api/administrator":          {"/api/", "/api/administrator", ""},
		"/api/x%2Fy//z/;v=1/%20":      {"/api/", "/api/x%2Fy//z/;v=1/%20", ""},
		"/api/x?a=%0a%00":             {"/api/", "/api/x", "a=%0a%00"},
		"/api/docs.html":              {"/api/", "/api/docs.html", ""}, // asks for no more than /api/
		"/api/DOCS/x":                 {"/api/", "/api/DOCS/x", ""},
		"/api/admin.js":               {"/api/", "/api/admin.js", ""},
		"/api/admin.json/x":           {"/api/", "/api/admin.json/x", ""},
		"/api/.admin":                 {"/api/", "/api/.admin", ""},
		"/api/admin/X.JSON":           {"/api/admin/", "/api/admin/X.JSON", ""},
		"/API/x":                      {"/", "/API/x", ""},
		"/api//x":                     {"/api/", "/api//x", ""},
		"/api/%E2%82%AC/€":            {"/api/", "/api/%E2%82%AC/€", ""},
		"/api/100%25":                 {"/api/", "/api/100%25", ""},
		"/api/100%2525":               {"/api/", "/api/100%2525", ""},
		"/cut":                        {"/cut", "/", ""},
		"/cut/x/../y":                 {"/cut", "/x/../y", ""},
		"/cut/deep/er/x":              {"/cut/deep/er", "/er/x", ""},
		"/auth":                       {"/auth", "/auth", ""},
		"/auth/login?x":               {"/auth", "/auth/login", "x"},
		"/authority":                  {"/", "/authority", ""},
		"/.well-known/jwks.json":      {"/.well-known", "/.well-known/jwks.json", ""},
		"http://host/api/x?q":         {"/api/", "/api/x", "q"},
		"HTTPS://host:8443/api/admin": {"/api/admin/", "/api/admin", ""},
		"http://host":                 {"/", "/", ""},
		"http://host?q":               {"/", "/", "q"},
	} {
		m, err := table.Match(target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got := pathOf(m); got != want.route || m.Target.Path != want.path || m.Target.Query != want.query {
			t.Errorf("%s: got %s %+v, want %+v", target, got, m.Target, want)
		}
		if m.Target.HasQuery != strings.Contains(target, "?") {
			t.Errorf("%s: HasQuery = %v", target, m.Target.HasQuery)
		}
	}
}

func TestMatchRefuses(t *testing.T) {
	table := newTable(t)
	for _, target := range []string{
		"", "*", "api/x", "host:443", "ftp://host/api", "http:///api", "http://h\\@x/api", "http://u@h/api", "javascript:alert(1)",
		"//api/x", `/\api`, "/api/%61dmin/", "/api/x/%2e%2e/admin/", "/api//admin/", "/api/admin;x/", "/api/%2561dmin/",
		"/api/..;/admin/", "/api/%5cadmin", `/api\admin`, "/api/x/..%2fadmin/", "/api/x/%2e%2e%2fadmin", "/api/./admin",
		"/api/%2e/admin", "/api%2fadmin", "/api%2Fx", "/%61pi/x", "/x/../api/x", "/x/%2e%2e/auth/login", "/%61uth/login",
		"/a;b/../auth", "/auth;x/login", "/auth%2flogin", "/auth/../api", "/api/../auth/login", "/api/../../x",
		"/api/../api/x", "/../x", "/cut/../cut/x", "/cut/x/..;/..;/cut/y", "/cut//host", `/cut/\host`,
		"/api/%zz", "/api/%", "/api/%4", "/api/%u002f", "/api/%c0%af", "/api/%e0%80%af", "/api/%ff", "/api/\xff", "/api/%25ff",
		"/api/a b", "/api/a\x00", "/api/a\x7f", "/api/a?b c", "/api/a?b\r\nX:y", "/api/a#b", "/api/admin%00x", "/api/admin%3fx",
		"/api/admin%23", "/api/admin%253bx", "/api/%252e%252e/admin", "/api/x/%252e%252e%252fadmin",
		// only a server that resolves dots before it cuts parameters, or merges no slashes, goes
		// astray here
		"/x/../api/.;/../admin", "/x/../api//../admin/..",
	} {
		if m, err := table.Match(target); !errors.Is(err, routing.ErrBadPath) {
			t.Errorf("%q: got %s %+v, %v", target, pathOf(m), m.Target, err)
		}
	}
}

func TestMatchNothing(t *testing.T) {
	table, err := routing.NewTable([]*routing.Route{{Path: "/api", Static: fstest.MapFS{}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]error{"/": routing.ErrNoRoute, "/x%20y": routing.ErrNoRoute, "/x/../api": routing.ErrBadPath} {
		if _, err := table.Match(target); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", target, err, want)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	table := newTable(t)
	if n := testing.AllocsPerRun(100, func() { _, _ = table.Match("/api/orders/7?page=2&q=%20") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNewTableReportsAllMistakes(t *testing.T) {
	up := []*url.URL{mustURL(t, "http://app")}
	_, err := routing.NewTable([]*routing.Route{
		{Path: "api", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/a%20b", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/a//b", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/a/../b", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/neither"},
		{Path: "/both", Upstream: routing.Upstream{Addresses: up}, Static: fstest.MapFS{}},
		{Path: "/s", Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/other"},
		{Path: "/m", Upstream: routing.Upstream{Addresses: up}, Access: routing.Access{Methods: []string{"get"}}},
		{Path: "/auth/x", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/twice", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/twice/", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/ftp", Upstream: routing.Upstream{Addresses: []*url.URL{mustURL(t, "ftp://app")}}},
		{Path: "/user", Upstream: routing.Upstream{Addresses: []*url.URL{mustURL(t, "http://u:hunter2@app")}}},
		{Path: "/base", Upstream: routing.Upstream{Addresses: []*url.URL{mustURL(t, "http://app//x")}}},
		{Path: "/neg", Upstream: routing.Upstream{Addresses: up}, Body: routing.Body{Limit: -2}},
		nil,
	}, []string{"/auth", "/"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"route 1: path \"api\" must begin", "route 2: ", "route 3: ", "route 4: ", "route 5: needs either", "route 6: needs either", "route 7: strip_prefix",
		"route 8: method", "route 9: path \"/auth/x\" belongs", "route 11: path \"/twice/\" is taken", "route 12: upstream ftp://app",
		"route 13: upstream", "route 14: upstream", "route 15: ", "route 16: is empty", `reserved prefix "/"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "route 10") {
		t.Errorf("too much said: %v", err)
	}
}

func TestAllowsMethod(t *testing.T) {
	all, get := routing.Route{}, routing.Route{Access: routing.Access{Methods: []string{"GET"}}}
	if !all.AllowsMethod("PURGE") || !get.AllowsMethod("GET") || !get.AllowsMethod("HEAD") || get.AllowsMethod("POST") {
		t.Error("wrong methods admitted")
	}
}

func pathOf(m routing.Match) string {
	if m.Route != nil {
		return m.Route.Path
	}
	return m.Reserved
}

// The reference: every order of steps, tried recursively with the plainest code there is.

var prefixes = []string{"/api/admin", "/api/docs", "/cut/deep/er", "/.well-known", "/auth", "/api", "/cut", ""}

func refRoute(p string) string {
	for _, prefix := range prefixes {
		if strings.HasPrefix(p+"/", prefix+"/") {
			return prefix
		}
	}
	return "?"
}

func refDots(p string) (out string, lowest int) {
	var stack []string
	lowest = 1 << 30
	segs := strings.Split(p, "/")[1:]
	for i, s := range segs {
		last := i == len(segs)-1
		switch {
		case s == ".." && len(stack) == 0:
			lowest = -1
		case s == "..":
			stack = stack[:len(stack)-1]
			lowest = min(lowest, len(stack))
		case s != ".":
			stack = append(stack, s)
			continue
		}
		if last {
			stack = append(stack, "")
		}
	}
	return "/" + strings.Join(stack, "/"), lowest
}

type refInterpretation struct {
	path      string
	decodings int
}

// refInterpretations collects every path a chain of steps leads to; it gives up when there are too
// many.
func refInterpretations(p string, decodings int, lowest *int, seen map[refInterpretation]bool) {
	key := refInterpretation{p, decodings}
	if seen[key] || len(seen) > 400 {
		return
	}
	seen[key] = true
	refInterpretations(strings.ReplaceAll(p, `\`, "/"), decodings, lowest, seen)
	segs := strings.Split(p, "/")
	for i := range segs {
		segs[i], _, _ = strings.Cut(segs[i], ";")
	}
	refInterpretations(strings.Join(segs, "/"), decodings, lowest, seen)
	merged := p
	for strings.Contains(merged, "//") {
		merged = strings.ReplaceAll(merged, "//", "/")
	}
	refInterpretations(merged, decodings, lowest, seen)
	resolved, low := refDots(p)
	*lowest = min(*lowest, low)
	refInterpretations(resolved, decodings, lowest, seen)
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		refInterpretations(p[:i], decodings, lowest, seen)
	}
	if decodings < 2 {
		refInterpretations(refDecode(p), decodings+1, lowest, seen)
	}
}

// refLax collects what the path is to servers that fold case, trim segments or cut formats, and
// tells whether one of them finds a route that demands more.
func refLax(p, route string) bool {
	blank := func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }
	dots := func(r rune) bool { return r == '.' || blank(r) }
	format := regexp.MustCompile(`(?i)\.(json|xml|html)$`)
	end := strings.TrimRightFunc(p, func(r rune) bool { return r == '/' || dots(r) })
	segs := strings.Split(end, "/")
	trim := func(s string) string {
		if short := strings.TrimLeftFunc(strings.TrimRightFunc(s, dots), blank); short != "" {
			return short
		}
		return s
	}
	for i := range segs {
		segs[i] = trim(segs[i])
	}
	list := []string{p, strings.Join(segs, "/")}
	for last := len(segs) - 1; format.MatchString(segs[last]) && len(segs[last]) > len(format.FindString(segs[last])); {
		segs[last] = trim(format.ReplaceAllString(segs[last], ""))
		list = append(list, strings.Join(segs, "/"))
	}
	for _, s := range list {
		lower := strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
		for _, found := range []string{refRoute(s), refRoute(lower)} {
			if found != route && slices.Contains([]string{"/api/admin", "/.well-known", "/auth"}, found) {
				return true
			}
		}
	}
	return false
}

func refDecode(p string) string {
	parts := strings.Split(p, "%")
	out := parts[0]
	for _, part := range parts[1:] {
		if len(part) >= 2 {
			if b, err := url.PathUnescape("%" + part[:2]); err == nil {
				out += b + part[2:]
				continue
			}
		}
		out += "%" + part
	}
	return out
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{
		"/api/x", "/api/%61dmin/", "/api/x/%2e%2e/admin/", "/api//admin/", "/api/admin;x/", "/api/%2561dmin/", "/api/..;/admin/",
		"/api/%5cadmin", "/x/../api/.;/../admin", "/x/../api//../admin/..", "/api/%c0%af", "/api/%zz", "/api/a%00", "/cut/..;x/%2f%2e",
		"/cut/deep/er/%3b/../..", "/%2f/auth", "http://h/api?x", "/auth/%2e%2e%3b/api", "/api/€/%E2%82%AC", "/api/%25%36%31dmin",
		"/API/admin", "/api/admin.json", "/api/admin%20./x", "/api/adm\u0131n.XML/", "/auth.html.", "/api/x%0a",
	} {
		f.Add(seed)
	}
	table := newTable(f)
	f.Fuzz(func(t *testing.T, target string) {
		if len(target) > 200 {
			return
		}
		m, err := table.Match(target)
		raw, _, _ := strings.Cut(target, "?")
		if !strings.HasPrefix(raw, "/") {
			return // the table tests have the other forms
		}
		_, escErr := url.PathUnescape(raw)
		malformed := escErr != nil || strings.HasPrefix(raw, "//") || strings.HasPrefix(raw, `/\`) || strings.Contains(raw, "#") ||
			strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f })
		if malformed {
			if err == nil {
				t.Fatalf("%q: malformed, accepted", target)
			}
			return
		}
		route, lowest, seen := refRoute(raw), 1<<30, map[refInterpretation]bool{}
		refInterpretations(raw, 0, &lowest, seen)
		reserved := route == "/auth" || route == "/.well-known"
		good := lowest >= strings.Count(route, "/")
		for r := range seen {
			good = good && utf8.ValidString(r.path) && !strings.ContainsFunc(r.path, unicode.IsControl) &&
				refRoute(r.path) == route && (reserved || !refLax(r.path, route))
		}
		if err == nil && !good {
			t.Fatalf("%q: accepted for %s, but it has another interpretation: %v", target, pathOf(m), seen)
		}
		if err == nil && strings.TrimSuffix(pathOf(m), "/") != route {
			t.Fatalf("%q: route %s, want %q", target, pathOf(m), route)
		}
		if err == nil && !strings.HasSuffix(raw, m.Target.Path) && m.Target.Path != "/" {
			t.Fatalf("%q: target %q is not what came", target, m.Target.Path)
		}
		// interpretations are refused in bulk, and "//" after a cut prefix: only then may a good
		// path be refused
		cut := strings.HasPrefix(route, "/cut") && strings.ContainsAny(raw[len("/cut"):], `\`) || strings.Contains(raw, "//")
		if err != nil && good && len(seen) <= 64 && !cut {
			t.Fatalf("%q: refused without need", target)
		}
	})
}
