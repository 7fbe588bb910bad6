package exchange

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

const (
	own = "https://app.example.com"
)

func TestReturnURL(t *testing.T) {
	for raw, want := range map[string]string{
		"": "/", "/": "/", "/a?b=c#d": "/a?b=c#d", "/a%20b": "/a%20b", "/a?to=https://x": "/a?to=https://x", "/ü": "/ü",
		"a": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example/": "/",
		"javascript:alert(1)": "/", "/\t/evil.example": "/", "/\n/evil.example": "/", " /a": "/", "/a b": "/", "/%2F/evil.example": "/", "/%2fevil.example": "/",
		"/%5cevil.example": "/", "/%5C%5Cevil.example": "/", "/%09/evil.example": "/", "/%0d%0aSet-Cookie:x": "/", "/%zz": "/", "/a\x00": "/",
		"/\xff": "/", "/" + strings.Repeat("a", 2048): "/", "http:/evil": "/", "/a\u2028": "/a\u2028",
		"/.//evil.example": "/", "/..//evil.example": "/", "/a/..//evil.example": "/", "/%2e%2e//evil.example": "/", "/.%2f/evil.example": "/",
		"/a.b/..c/.d?x=/../": "/a.b/..c/.d?x=/../",
	} {
		if got := ReturnURL(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func FuzzReturnURL(f *testing.F) {
	for _, seed := range []string{"/", "//x", "/\\x", "/%2f/x", "/a?b#c", "/..//x", "/%5c", "http://x"} {
		f.Add(seed)
	}
	base, _ := url.Parse(own + "/auth/login")
	f.Fuzz(func(t *testing.T, raw string) {
		got := ReturnURL(raw)
		// As a browser reads a Location: "\" is "/", tabs and line breaks are nothing.
		location := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(got)
		u, err := base.Parse(location)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || !strings.HasPrefix(got, "/") || strings.HasPrefix(location, "//") {
			t.Errorf("%q leads to %q (%v)", raw, got, err)
		}
		if again := ReturnURL(got); again != got {
			t.Errorf("%q: %q is refused the second time", raw, got)
		}
	})
}

func FuzzSessionCookies(f *testing.F) {
	for _, seed := range []string{"__Host-session=a", "a=b; __Host-session=x; c", "__Host-session=a; __Host-session-stale=b", "__Host-session-stale=b;__Host-session-stale=", "__Host-session=;__Host-session=b", ";;;", "__Host-sessionx=1", strings.Repeat("__Host-session=a;", 9)} {
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		values, n, mark := sessionCookies(http.Header{"Cookie": {one, two}})
		var want, marks []string
		for _, line := range []string{one, two} {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
				value = strings.TrimRight(value, " \t")
				switch {
				case ok && name == sessionCookie && value != "" && len(want) < maxCookies:
					want = append(want, value)
				case ok && name == staleCookie && len(want) < maxCookies:
					marks = append(marks, value)
				}
			}
		}
		if strings.Join(values[:n], "\x00") != strings.Join(want, "\x00") || n != len(want) {
			t.Errorf("%q, %q: %q, want %q", one, two, values[:n], want)
		}
		if len(marks) == 1 && mark != marks[0] || len(marks) != 1 && mark != "" {
			t.Errorf("%q, %q: mark %q of %q", one, two, mark, marks)
		}
	})
}

func TestClientIP(t *testing.T) {
	for name, c := range map[string]struct {
		trusted      []string
		peer, header string
		want         string
	}{
		"nobody is trusted":     {nil, "192.0.2.1:5", "203.0.113.9", "192.0.2.1"},
		"stranger":              {[]string{"10.0.0.0/8"}, "192.0.2.1:5", "203.0.113.9", "192.0.2.1"},
		"one proxy":             {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "203.0.113.9", "203.0.113.9"},
		"forged on the left":    {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "1.1.1.1, 203.0.113.9", "203.0.113.9"},
		"two proxies":           {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "1.1.1.1, 203.0.113.9, 10.2.2.2", "203.0.113.9"},
		"only proxies":          {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "10.3.3.3, 10.2.2.2", "10.3.3.3"},
		"garbage":               {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "203.0.113.9, unknown", "10.1.1.1"},
		"no header":             {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "", "10.1.1.1"},
		"with a port":           {[]string{"10.0.0.0/8"}, "10.1.1.1:5", "203.0.113.9:4711", "203.0.113.9"},
		"IPv6":                  {[]string{"fd00::/8"}, "[fd00::1]:5", "[2001:db8::7]:4711", "2001:db8::7"},
		"IPv4 in IPv6":          {[]string{"10.0.0.0/8"}, "[::ffff:10.1.1.1]:5", "::ffff:203.0.113.9", "203.0.113.9"},
		"a peer without a port": {nil, "192.0.2.1", "", "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Addresses{}
			for _, p := range c.trusted {
				a.Trusted = append(a.Trusted, netip.MustParsePrefix(p))
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			if c.header != "" {
				r.Header.Set("X-Forwarded-For", c.header)
			}
			if got := a.clientIP(r); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A name may end with a dot, and the port that goes without saying may be said.
func TestCanonicalHost(t *testing.T) {
	for host, want := range map[string]string{
		"App.Example.com": "app.example.com", "app.example.com.": "app.example.com", "app.example.com:443": "app.example.com",
		"app.example.com.:443": "app.example.com", "app.example.com.:8443": "app.example.com:8443", "app.example.com..": "app.example.com.",
		"[::1]:443": "[::1]", "10.0.0.1:80": "10.0.0.1:80", "": "",
	} {
		if got := CanonicalHost("https", host); got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}

// FuzzBearerToken: whatever a client writes into Authorization, a token that is
// taken is one b64token of RFC 6750 §2.1, and was in the header as it is.
func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Bearer a.b.c", "bearer   sgr_x== ", "Basic YQ==", "Bearer a b", "Bearer a,Bearer b", "Bearer\ta", "Bearer é",
		"BEARER ~-._+/=", " Bearer a", "Bearer bearer", "Bearer \x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, given, ok := BearerToken(&http.Request{Header: http.Header{"Authorization": {value}}})
		if !given {
			t.Fatal("a header that is there is not seen")
		}
		if !ok {
			if token != "" {
				t.Errorf("%q: refused with a token", value)
			}
			return
		}
		if token == "" || strings.ContainsFunc(token, notB64Token) || !strings.Contains(value, token) ||
			!strings.EqualFold(strings.Fields(value)[0], "bearer") {
			t.Errorf("%q: took %q", value, token)
		}
	})
}
