package endpoints

import (
	"errors"
	"net/url"

	"sessiongate/gateway/exchange"
	"sessiongate/session"
)

// logoutTarget is where the browser should go after its session has ended, so that
// the provider's own session ends too: to the provider at once (location), and
// for a script by way of us (page), because the provider's URL holds the ID
// token and a script must not see one.
type logoutTarget struct{ location, page string }

func (s *signOut) providerLogout(x *exchange.Exchange, ended []*session.Record, to string) (out logoutTarget) {
	for _, rec := range ended {
		if s.Redirects.LogoutOrigin(x.Request.Context(), rec.Identity.Provider) == "" {
			continue
		}
		d := s.Redirects.StartLogout(x.Request.Context(), rec, s.Cookies.BindBrowser(x), to)
		if d != nil {
			return logoutTarget{location: d.URL, page: s.Site.Origin + s.Site.Prefix + "/logout/continue?ticket=" + url.QueryEscape(d.Ticket)}
		}
	}
	return out
}

// redeemLogout redeems the page that [logoutTarget] names.
func (s *signOut) redeemLogout(x *exchange.Exchange) error {
	to, err := s.Redirects.RedeemLogout(x.Request.Context(), exchange.BoundBrowser(x.Request), x.Request.URL.Query().Get("ticket"))
	if errors.Is(err, session.ErrNoAttempt) {
		return s.signedOutPage(x)
	}
	if err != nil {
		return err
	}
	x.Header().Set("Referrer-Policy", "no-referrer")
	return x.SeeOther(to)
}

// logoutDone is the one address a provider may send the browser back to after a
// logout. Only the state of a logout this browser began leads anywhere.
func (s *signOut) logoutDone(x *exchange.Exchange) error {
	states := x.Request.URL.Query()["state"]
	if len(states) != 1 {
		return s.signedOutPage(x)
	}
	to, err := s.Redirects.FinishLogout(x.Request.Context(), exchange.BoundBrowser(x.Request), states[0])
	if err != nil {
		return s.signedOutPage(x) // also without the store: the session is over
	}
	return x.SeeOther(exchange.ReturnURL(to))
}

// logoutCSP lets the form of the logout page be answered by a redirect to the
// provider.
func (s *signOut) logoutCSP(x *exchange.Exchange, provider string) string {
	origin := s.Redirects.LogoutOrigin(x.Request.Context(), provider)
	if origin == "" {
		return s.Pages.CSP()
	}
	csp, err := s.Pages.LogoutCSP(origin)
	if err != nil {
		return s.Pages.CSP()
	}
	return csp
}
