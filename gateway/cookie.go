package gateway

import (
	"net/http"
	"strings"
	"time"

	"sessiongate/session"
)

// Names of our cookies. The __Host- prefix makes the browser itself refuse them
// without Secure, with a Domain, or for another path (RFC 6265bis §4.1.3.2).
const (
	sessionCookie = "__Host-session"
	staleCookie   = sessionCookie + "-stale" // comes back with a handle that was refused as retired
	loginCookie   = "__Host-login"           // binds a browser to its login attempts
	probeCookie   = "__Host-probe"           // shows whether the browser keeps our cookies at all
)

// loginCookieLife outlasts what is remembered of any attempt.
const loginCookieLife = 30 * 24 * time.Hour

// ourCookies are never forwarded, and no upstream may set them.
func ourCookies() []string { return []string{sessionCookie, staleCookie, loginCookie, probeCookie} }

// mostCookies bounds how many values of one name are tried.
const mostCookies = 4

// presented collects the values under which our session cookie came: normally
// one, more if something in between duplicated it; and the stale mark, if there is
// exactly one. It does not parse the other cookies and allocates nothing for the
// normal case.
func presented(h http.Header) (values [mostCookies]string, n int, mark string) {
	marks := 0
	for _, line := range h["Cookie"] {
		for line != "" && n < mostCookies {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = strings.TrimLeft(pair, " \t")
			if len(pair) <= len(sessionCookie) || pair[:len(sessionCookie)] != sessionCookie {
				continue
			}
			if pair[len(sessionCookie)] != '=' {
				if value, ok := strings.CutPrefix(pair, staleCookie+"="); ok {
					mark, marks = strings.TrimRight(value, " \t"), marks+1
				}
				continue
			}
			value := strings.TrimRight(pair[len(sessionCookie)+1:], " \t")
			if value != "" {
				values[n] = value
				n++
			}
		}
	}
	if marks != 1 {
		mark = ""
	}
	return values, n, mark
}

// presented is presented for the request's own header, which is read once.
func (x *exchange) presented() []string {
	if !x.scanned {
		x.handles, x.found, x.mark = presented(x.r.Header)
		x.scanned = true
	}
	return x.handles[:x.found]
}

// proof is the stale mark that came with the one handle of the request, or "". Of
// several handles nobody can tell which the browser means: then nothing is proved,
// and a retired value ends no session whose other value lives.
func (x *exchange) proof() string {
	if len(x.presented()) != 1 {
		return ""
	}
	return x.mark
}

// hasSessionCookie reports whether the request carries our session cookie,
// whatever its value is worth.
func (x *exchange) hasSessionCookie() bool { return len(x.presented()) > 0 }

// setSession writes the session cookie. A response that carries it must not be
// stored by anyone (DESIGN §4).
func (s *Server) setSession(h http.Header, value string, maxAge time.Duration) {
	s.write(h, &http.Cookie{
		Name: sessionCookie, Value: value, MaxAge: max(1, int(maxAge/time.Second)), SameSite: s.sameSite,
	})
}

// setMark writes the stale mark, on a 401 session_stale and nowhere else. A
// response carries a handle or a mark, never both: some proxies pass on only the
// first Set-Cookie.
func (s *Server) setMark(h http.Header, value string) {
	s.write(h, &http.Cookie{
		Name: staleCookie, Value: value, MaxAge: int(session.MarkLife / time.Second), SameSite: s.sameSite,
	})
}

// clearSession tells the browser to forget the session cookie.
func (s *Server) clearSession(h http.Header) {
	s.write(h, &http.Cookie{Name: sessionCookie, MaxAge: -1, SameSite: s.sameSite})
}

// setProbe writes a cookie that only shows, when it comes back, that this
// browser accepts Secure cookies from this address.
func (s *Server) setProbe(h http.Header) {
	s.write(h, &http.Cookie{Name: probeCookie, Value: "1", MaxAge: 3600, SameSite: http.SameSiteStrictMode})
}

// bindBrowser returns the value that binds this browser to its login attempts,
// and gives it one if need be. It is Lax: the provider sends the browser back
// from another site.
func (s *Server) bindBrowser(x *exchange) string {
	value := boundBrowser(x.r)
	if value == "" {
		value = session.NewLoginBinding()
		s.bindTo(x, value)
	}
	return value
}

// bindTo replaces the value that binds this browser.
func (s *Server) bindTo(x *exchange, value string) {
	var others []string
	for _, c := range x.r.Cookies() {
		if c.Name != loginCookie {
			others = append(others, c.Name+"="+c.Value)
		}
	}
	// The next call in this request finds it. What the request presented was noted before.
	x.presented()
	x.r.Header.Set("Cookie", strings.Join(append(others, loginCookie+"="+value), "; "))
	s.write(x.Header(), &http.Cookie{
		Name: loginCookie, Value: value, MaxAge: int(loginCookieLife / time.Second), SameSite: http.SameSiteLaxMode,
	})
}

// boundBrowser returns the value of the browser's binding cookie, or "".
func boundBrowser(r *http.Request) string {
	c, err := r.Cookie(loginCookie)
	if err != nil || !bindingShape(c.Value) {
		return ""
	}
	return c.Value
}

// bindingShape keeps values out that we never made.
func bindingShape(value string) bool {
	return len(value) == len(session.NewLoginBinding()) && !strings.ContainsFunc(value, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '2' || r > '7')
	})
}

// write is the only place where our cookies get their attributes.
func (s *Server) write(h http.Header, c *http.Cookie) {
	c.Path, c.Secure, c.HttpOnly = "/", true, true
	h.Add("Set-Cookie", c.String())
	h.Set("Cache-Control", "no-store")
}

// beforeHeader runs when a response's headers are about to go out: the newest
// handle the browser should have, and the CORS headers of a listed origin. It
// reports whether there is such a handle: then they have to go out at once.
func (s *Server) beforeHeader(x *exchange) (successor bool) {
	if x.session != nil {
		var value string
		var maxAge time.Duration
		if value, maxAge, successor = s.manager.Successor(x.r.Context(), x.session); successor {
			s.setSession(x.Header(), value, maxAge)
		}
	}
	if x.origin != "" || x.app != nil && x.app.route.Access.CORS != nil {
		s.share(x)
	}
	if s.hsts != nil && x.Header()["Strict-Transport-Security"] == nil {
		x.Header()["Strict-Transport-Security"] = s.hsts
	}
	return successor
}
