package endpoints

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"sessiongate/gateway/exchange"
	"sessiongate/session"
	"sessiongate/web"
)

// confirm tells somebody who is signed in why they are asked again; nil: nobody is signed in,
// or nothing says that their sign-in is too old or too weak.
func (s *signIn) confirm(x *exchange.Exchange, to string) *web.Confirm {
	q := x.Request.URL.Query()
	if q.Get("max_age") == "" && q.Get("acr_values") == "" {
		return nil
	}
	ask, err := readAsk(q)
	if err != nil {
		return nil
	}
	if x.Session == nil {
		if _, err := x.Authenticate(session.ResolveOptions{}); err != nil {
			return nil
		}
	}
	// Whoever else it is signs out first, so that this one's session does not live on in silence.
	login := s.Responder.Along(x.Request, s.Site.LoginPage+"?return_to="+url.QueryEscape(to))
	c := &web.Confirm{
		User: x.Session.Identity().Name, Stronger: len(ask.ACR) > 0, Cancel: s.Pages.Home(),
		Other: s.Responder.Along(x.Request, s.Site.Prefix+"/logout?return_to="+url.QueryEscape(login)),
	}
	if ask.MaxAge != nil {
		c.Recent, c.Within = true, *ask.MaxAge
	}
	return c
}

// fillIn prefills the name of whoever confirms who they are, so that nobody types twice what we
// know (WCAG 2.2 SC 3.3.7), and chooses where they did so before.
func (s *signIn) fillIn(x *exchange.Exchange, page *web.LoginPage) {
	if page.Username == "" {
		page.Username = session.PlainText(x.Request.URL.Query().Get("login_hint"), maxHint)
	}
	if page.Confirm == nil {
		return
	}
	id := x.Session.Identity()
	if page.Username != "" || !slices.Contains(s.Providers.PasswordProviders(), id.Provider) {
		return
	}
	page.Username, page.Provider = loginName(x.Session), id.Provider
}

// loginName is what somebody most likely typed to sign in: the session does not keep it, but the
// user's claims or the token may have it. It is shown to nobody but its owner, and believed by nobody.
func loginName(found *session.Session) string {
	id := found.Identity()
	_, payload, _ := strings.Cut(found.AccessToken().Reveal(), ".")
	payload, _, _ = strings.Cut(payload, ".")
	decoded, _ := base64.RawURLEncoding.DecodeString(payload)
	for _, text := range [][]byte{id.Claims, decoded} {
		var claims struct {
			Username string `json:"preferred_username"`
			Email    string `json:"email"`
		}
		if json.Unmarshal(text, &claims) != nil {
			continue
		}
		for _, name := range []string{claims.Username, claims.Email} {
			if name != "" {
				return session.PlainText(name, maxHint)
			}
		}
	}
	return ""
}
