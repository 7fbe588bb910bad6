package gateway

import (
	"errors"
	"net/url"

	"sessiongate/session"
)

// signOut is where the browser should go after its session has ended, so that
// the provider's own session ends too: to the provider at once (location), and
// for a script by way of us (page), because the provider's URL holds the ID
// token and a script must not see one.
type signOut struct{ location, page string }

func (s *Server) signOutOf(x *exchange, ended []*session.Record, to string) (out signOut) {
	for _, rec := range ended {
		if s.manager.LogoutOrigin(x.r.Context(), rec.Identity.Provider) == "" {
			continue
		}
		d := s.manager.StartLogout(x.r.Context(), rec, s.bindBrowser(x), to)
		if d != nil {
			return signOut{location: d.URL, page: s.origin + s.prefix + "/logout/continue?ticket=" + url.QueryEscape(d.Ticket)}
		}
	}
	return out
}

// departLogout redeems the page of a signOut.
func (s *Server) departLogout(x *exchange) error {
	to, err := s.manager.RedeemLogout(x.r.Context(), boundBrowser(x.r), x.r.URL.Query().Get("ticket"))
	if errors.Is(err, session.ErrNoAttempt) {
		return s.signedOutPage(x)
	}
	if err != nil {
		return err
	}
	x.Header().Set("Referrer-Policy", "no-referrer")
	return seeOther(x, to)
}

// logoutDone is the one address a provider may send the browser back to after a
// logout. Only the state of a logout this browser began leads anywhere.
func (s *Server) logoutDone(x *exchange) error {
	states := x.r.URL.Query()["state"]
	if len(states) != 1 {
		return s.signedOutPage(x)
	}
	to, err := s.manager.FinishLogout(x.r.Context(), boundBrowser(x.r), states[0])
	if err != nil {
		return s.signedOutPage(x) // also without the store: the session is over
	}
	return seeOther(x, returnURL(to))
}

// logoutCSP lets the form of the logout page be answered by a redirect to the
// provider.
func (s *Server) logoutCSP(x *exchange, provider string) string {
	origin := s.manager.LogoutOrigin(x.r.Context(), provider)
	if origin == "" {
		return s.pages.CSP()
	}
	csp, err := s.pages.LogoutCSP(origin)
	if err != nil {
		return s.pages.CSP()
	}
	return csp
}
