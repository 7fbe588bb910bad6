package endpoints

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/session"
)

// logoutMemory keeps a browser signed out. The provider has a session of its own, and
// may sign the user in again without a question. So a logout ends on a page, and for
// a while the next sign-in begins with a click: whoever sees "signed out" on a shared
// computer has to be.
type logoutMemory struct{ *Options }

// signedOutTTL is how long a sign-in needs a click after a logout.
const signedOutTTL = 10 * time.Minute

// The mark of a logout is the value of the binding cookie itself, so that it costs no
// cookie more and works for older replicas as any other: 3 characters, the time in 8,
// and 75 random bits, in the alphabet of [session.NewLoginBinding].
const (
	signedOutMark = "OUT"
	markTime      = 8 // characters of base32 for 5 bytes of seconds
)

// mark notes in the browser that it has just signed out, where a provider
// could sign it in again by itself. Attempts under way in other tabs are void.
func (s *logoutMemory) mark(x *exchange.Exchange) {
	if len(s.Providers.RedirectProviders()) == 0 {
		return
	}
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(s.Now().Unix()))
	stamp := base32.StdEncoding.EncodeToString(at[3:])
	value := signedOutMark + stamp + rand.Text()[:len(session.NewLoginBinding())-len(signedOutMark)-markTime]
	s.Cookies.BindTo(x, value)
}

// recent reports whether the browser bears the mark of a recent logout.
func (s *logoutMemory) recent(r *http.Request) bool {
	stamp, marked := strings.CutPrefix(exchange.BoundBrowser(r), signedOutMark)
	if !marked {
		return false
	}
	at, err := base32.StdEncoding.DecodeString(stamp[:markTime])
	if err != nil {
		return false
	}
	since := s.Now().Sub(time.Unix(int64(binary.BigEndian.Uint64(append(make([]byte, 3), at...))), 0))
	return since > -time.Minute && since < signedOutTTL
}

// prompt is what the first sign-in after a logout asks of a provider. One
// whose own session goes on, because it has no logout page, is to ask who it is.
func (s *logoutMemory) prompt(x *exchange.Exchange, provider string) string {
	switch p := s.PromptAfterLogout[provider]; {
	case p == "none":
		return ""
	case p != "":
		return p
	case s.Redirects.LogoutOrigin(x.Request.Context(), provider) == "":
		return "login"
	}
	return ""
}
