package exchange

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

// loginCookieTTL outlasts what is remembered of any attempt.
const loginCookieTTL = 30 * 24 * time.Hour

// CookieNames are never forwarded, and no upstream may set them.
func CookieNames() []string { return []string{sessionCookie, staleCookie, loginCookie, probeCookie} }

// maxCookies bounds how many values of one name are tried.
const maxCookies = 4

// sessionCookies collects the values under which our session cookie came: normally
// one, more if something in between duplicated it; and the stale mark, if there is
// exactly one. It does not parse the other cookies and allocates nothing for the
// normal case.
func sessionCookies(h http.Header) (values [maxCookies]string, n int, mark string) {
	marks := 0
	for _, line := range h["Cookie"] {
		for line != "" && n < maxCookies {
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

// SessionCookies are the values under which our session cookie came: normally one.
func (x *Exchange) SessionCookies() []string {
	if !x.scanned {
		x.handles, x.found, x.mark = sessionCookies(x.Request.Header)
		x.scanned = true
	}
	return x.handles[:x.found]
}

// staleMark is the stale mark that came with the one handle of the request, or "". Of
// several handles nobody can tell which the browser means: then nothing is proved,
// and a retired value ends no session whose other value lives.
func (x *Exchange) staleMark() string {
	if len(x.SessionCookies()) != 1 {
		return ""
	}
	return x.mark
}

// HasSessionCookie reports whether the request carries our session cookie,
// whatever its value is worth.
func (x *Exchange) HasSessionCookie() bool { return len(x.SessionCookies()) > 0 }

// KeptProbe reports whether the browser sent the cookie back that [Cookies.SetProbe] gave it.
func (x *Exchange) KeptProbe() bool {
	_, err := x.Request.Cookie(probeCookie)
	return err == nil
}

// Cookies writes our cookies; nothing else does. It is safe for concurrent use.
type Cookies struct{ sameSite http.SameSite }

// NewCookies makes the session cookie Strict or Lax; 0 means Strict.
func NewCookies(sameSite http.SameSite) *Cookies {
	if sameSite == 0 {
		sameSite = http.SameSiteStrictMode
	}
	return &Cookies{sameSite}
}

// SetSession writes the session cookie. A response that carries it must not be
// stored by anyone: whoever got it from a cache would have the session.
func (c *Cookies) SetSession(h http.Header, value string, maxAge time.Duration) {
	c.write(h, &http.Cookie{
		Name: sessionCookie, Value: value, MaxAge: max(1, int(maxAge/time.Second)), SameSite: c.sameSite,
	})
}

// SetMark writes the stale mark, on a 401 session_stale and nowhere else. A
// response carries a handle or a mark, never both: some proxies pass on only the
// first Set-Cookie.
func (c *Cookies) SetMark(h http.Header, value string) {
	c.write(h, &http.Cookie{
		Name: staleCookie, Value: value, MaxAge: int(session.MarkLife / time.Second), SameSite: c.sameSite,
	})
}

// ClearSession tells the browser to forget the session cookie.
func (c *Cookies) ClearSession(h http.Header) {
	c.write(h, &http.Cookie{Name: sessionCookie, MaxAge: -1, SameSite: c.sameSite})
}

// SetProbe writes a cookie that only shows, when it comes back, that this
// browser accepts Secure cookies from this address.
func (c *Cookies) SetProbe(h http.Header) {
	c.write(h, &http.Cookie{Name: probeCookie, Value: "1", MaxAge: 3600, SameSite: http.SameSiteStrictMode})
}

// BindBrowser returns the value that binds this browser to its login attempts,
// and gives it one if need be. It is Lax: the provider sends the browser back
// from another site.
func (c *Cookies) BindBrowser(x *Exchange) string {
	value := BoundBrowser(x.Request)
	if value == "" {
		value = session.NewLoginBinding()
		c.BindTo(x, value)
	}
	return value
}

// BindTo replaces the value that binds this browser.
func (c *Cookies) BindTo(x *Exchange, value string) {
	var others []string
	for _, other := range x.Request.Cookies() {
		if other.Name != loginCookie {
			others = append(others, other.Name+"="+other.Value)
		}
	}
	// Later calls in this request read it from the header. What the request presented is
	// noted first.
	x.SessionCookies()
	x.Request.Header.Set("Cookie", strings.Join(append(others, loginCookie+"="+value), "; "))
	c.write(x.Header(), &http.Cookie{
		Name: loginCookie, Value: value, MaxAge: int(loginCookieTTL / time.Second), SameSite: http.SameSiteLaxMode,
	})
}

// BoundBrowser returns the value of the browser's binding cookie, or "".
func BoundBrowser(r *http.Request) string {
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

// write adds a cookie of ours to a response. Nothing else does, so all of them have these
// attributes.
func (c *Cookies) write(h http.Header, cookie *http.Cookie) {
	cookie.Path, cookie.Secure, cookie.HttpOnly = "/", true, true
	h.Add("Set-Cookie", cookie.String())
	h.Set("Cache-Control", "no-store")
}

// completeHeader runs when a response's header is about to go out. It sets the session
// cookie, if the browser should have a newer handle, and the CORS headers of an allowed
// origin. It reports whether there is a newer handle: then the header must go out at once.
func (x *Exchange) completeHeader() (successor bool) {
	o := &x.pool.o
	if x.Session != nil {
		var value string
		var maxAge time.Duration
		if value, maxAge, successor = o.Sessions.Successor(x.Request.Context(), x.Session); successor {
			o.Cookies.SetSession(x.Header(), value, maxAge)
		}
	}
	if x.origin != "" || x.CORS != nil {
		x.writeCORS()
	}
	if x.pool.hsts != nil && x.Header()["Strict-Transport-Security"] == nil {
		x.Header()["Strict-Transport-Security"] = x.pool.hsts
	}
	return successor
}
