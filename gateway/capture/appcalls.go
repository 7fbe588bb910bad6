package capture

import (
	"errors"
	"net/http"
	"strconv"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// Refresh answers an application that refreshes its tokens at the API's path: the gateway refreshes
// them if it is time, and the application goes on with its placeholder.
func (s *Service) Refresh(x *exchange.Exchange, c *routing.Capture) error {
	found, err := x.Authenticate(session.ResolveOptions{Touch: true, Eager: true})
	if err != nil {
		return s.o.Limits.RefusedRefresh(x.Request.Context(), x.Client, err)
	}
	api := s.o.APIs[c.Provider]
	_, _, life := found.Remaining(s.o.Now())
	fields, body, err := api.Calls.AppAnswer(api.Placeholder, life)
	if err != nil {
		return err
	}
	h := x.Header()
	for name, value := range fields {
		h.Set(name, value)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	x.WriteHeader(http.StatusOK)
	_, err = x.Write(body)
	return err
}

// Logout answers an application that signs out at the API's path. The cookie goes only when the
// session has ended: should the store be out of reach, the browser keeps what it needs to try again.
func (s *Service) Logout(x *exchange.Exchange) error {
	for _, value := range x.SessionCookies() {
		_, err := s.o.Terminator.Logout(x.Request.Context(), session.Browser, value, session.Logout, x.Client)
		if err != nil && !errors.Is(err, session.ErrUnauthentic) {
			return err
		}
	}
	s.o.Cookies.ClearSession(x.Header())
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// TellApart returns what a request is at a path that is both the API's login and its refresh: with a
// user name it is the login. other may be nil.
func (s *Service) TellApart(x *exchange.Exchange, login, other *routing.Capture) (*routing.Capture, error) {
	if other == nil {
		return login, nil
	}
	name, err := s.readLogin(x, s.o.APIs[login.Provider])
	if err == nil && name == "" {
		return other, nil
	}
	return login, err
}

// IsPlaceholder reports whether a text is what some API's application was given for its tokens. A nil
// service has no such application.
func (s *Service) IsPlaceholder(text string) bool {
	if s == nil {
		return false
	}
	for _, api := range s.o.APIs {
		if api.Placeholder == text {
			return true
		}
	}
	return false
}
