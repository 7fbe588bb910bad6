package endpoints

import (
	"bytes"
	"errors"
	"mime"
	"net/http"

	"sessiongate/gateway/exchange"
	"sessiongate/session"
	"sessiongate/web"
)

// signOut is the sign-out of browsers, here and at providers.
type signOut struct {
	*Options
	memory *logoutMemory
}

// logoutForm asks; a GET never ends a session (a link or an image must not).
func (s *signOut) logoutForm(x *exchange.Exchange) error {
	found, err := x.Authenticate(session.ResolveOptions{})
	if err != nil {
		if !exchange.SignedOut(err) {
			return err
		}
		s.sendSignedOut(x, "signed_out.never")
		return nil
	}
	id, to := found.Identity(), x.Request.URL.Query().Get("return_to")
	if to != "" {
		to = exchange.ReturnURL(to)
	}
	e := s.Responder.Edition(x.Request)
	s.Responder.PageUnder(s.logoutCSP(x, id.Provider), x, http.StatusOK, func(b *bytes.Buffer) error {
		return e.Logout(b, web.LogoutPage{
			Action: s.Responder.Along(x.Request, s.Site.Prefix+"/logout"), ReturnTo: to,
			User: id.Name, Cancel: web.Link{Label: e.Text("button.stay", nil), Href: s.Pages.Home()},
		})
	})
	return nil
}

// logout ends the session, and then, only then, clears the cookie: should the
// store be out of reach, the browser keeps what it needs to try again. It is
// idempotent: without a session there is nothing to end and the answer is the
// same.
func (s *signOut) logout(x *exchange.Exchange) error {
	form, to := s.readLogout(x)
	var ended []*session.Record
	for _, value := range x.SessionCookies() {
		rec, err := s.Terminator.Logout(x.Request.Context(), session.Browser, value, session.Logout, x.Client)
		if err != nil && !errors.Is(err, session.ErrUnauthentic) {
			return err
		}
		if rec != nil {
			ended = append(ended, rec)
		}
	}
	s.Cookies.ClearSession(x.Header())
	s.memory.mark(x)
	if s.ClearSiteData {
		x.Header().Set("Clear-Site-Data", `"cache"`)
	}
	out := s.providerLogout(x, ended, to)
	switch {
	case form && out.location != "":
		return x.SeeOther(out.location)
	case form:
		return x.SeeOther(to)
	}
	doc := struct {
		LogoutURL *string `json:"logout_url"`
		Next      string  `json:"next"` // where a page goes that has nowhere else to go
	}{Next: to}
	if out.page != "" {
		doc.LogoutURL = &out.page
	}
	return x.SendJSON(http.StatusOK, doc)
}

// readLogout says how a logout came, and where it leads: to the page for it unless the
// request names another.
func (s *signOut) readLogout(x *exchange.Exchange) (form bool, to string) {
	kind, _, _ := mime.ParseMediaType(x.Request.Header.Get("Content-Type"))
	if form = kind == "application/x-www-form-urlencoded"; form {
		x.Request.Body = http.MaxBytesReader(x, x.Request.Body, maxLoginBody)
		to = x.Request.PostFormValue("return_to")
	} else {
		to = x.Request.URL.Query().Get("return_to")
	}
	if to == "" {
		return form, s.Responder.Along(x.Request, s.AfterLogout)
	}
	return form, exchange.ReturnURL(to)
}

// signedOutPage is where a logout rests.
func (s *signOut) signedOutPage(x *exchange.Exchange) error {
	text := "signed_out.text"
	for _, name := range s.Providers.RedirectProviders() {
		if s.Redirects.LogoutOrigin(x.Request.Context(), name) == "" {
			text = "signed_out.elsewhere"
		}
	}
	s.sendSignedOut(x, text)
	return nil
}

// sendSignedOut says a text of the catalogue, and offers to sign in.
func (s *signOut) sendSignedOut(x *exchange.Exchange, text string) {
	e := s.Responder.Edition(x.Request)
	page := web.SignedOutPage{
		Text:     e.Text(text, nil),
		SignIn:   web.Link{Label: e.Text("button.sign_in", nil), Href: s.Responder.Along(x.Request, s.Site.LoginPage)},
		Continue: web.Link{Label: e.Text("button.home", nil), Href: s.Pages.Home()},
	}
	s.Responder.Page(x, http.StatusOK, func(b *bytes.Buffer) error { return e.SignedOut(b, page) })
}
