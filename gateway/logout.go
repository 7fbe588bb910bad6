package gateway

import (
	"bytes"
	"errors"
	"mime"
	"net/http"

	"sessiongate/session"
	"sessiongate/web"
)

// logoutForm asks; a GET never ends a session (a link or an image must not).
func (s *Server) logoutForm(x *exchange) error {
	found, err := s.authenticate(x, session.ResolveOptions{})
	if err != nil {
		if !signedOut(err) {
			return err
		}
		s.page(x, http.StatusOK, func(b *bytes.Buffer) error {
			return s.pages.SignedOut(b, web.SignedOutPage{
				Text:   "You are not signed in.",
				SignIn: web.Link{Label: "Sign in", Href: s.loginPage}, Continue: web.Link{Label: "To the start page", Href: "/"},
			})
		})
		return nil
	}
	id, to := found.Identity(), x.r.URL.Query().Get("return_to")
	if to != "" {
		to = returnURL(to)
	}
	s.pageUnder(s.logoutCSP(x, id.Provider), x, http.StatusOK, func(b *bytes.Buffer) error {
		return s.pages.Logout(b, web.LogoutPage{
			Action: s.prefix + "/logout", ReturnTo: to,
			User: id.Name, Cancel: web.Link{Label: "Stay signed in", Href: "/"},
		})
	})
	return nil
}

// logout ends the session, and then, only then, clears the cookie: should the
// store be out of reach, the browser keeps what it needs to try again. It is
// idempotent: without a session there is nothing to end and the answer is the
// same.
func (s *Server) logout(x *exchange) error {
	form, to := s.readLogout(x)
	var ended []*session.Record
	for _, value := range x.presented() {
		rec, err := s.manager.Logout(x.r.Context(), session.Browser, value, session.Logout, x.client)
		if err != nil && !errors.Is(err, session.ErrUnauthentic) {
			return err
		}
		if rec != nil {
			ended = append(ended, rec)
		}
	}
	s.clearSession(x.Header())
	s.markSignedOut(x)
	if s.clearSiteData {
		x.Header().Set("Clear-Site-Data", `"cache"`)
	}
	out := s.signOutOf(x, ended, to)
	switch {
	case form && out.location != "":
		return seeOther(x, out.location)
	case form:
		return seeOther(x, to)
	}
	doc := struct {
		LogoutURL *string `json:"logout_url"`
		Next      string  `json:"next"` // where a page goes that has nowhere else to go
	}{Next: to}
	if out.page != "" {
		doc.LogoutURL = &out.page
	}
	return sendJSON(x, http.StatusOK, doc)
}

// readLogout says how a logout came, and where it leads: to the page for it unless the
// request names another.
func (s *Server) readLogout(x *exchange) (form bool, to string) {
	kind, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if form = kind == "application/x-www-form-urlencoded"; form {
		x.r.Body = http.MaxBytesReader(x, x.r.Body, mostLoginBody)
		to = x.r.PostFormValue("return_to")
	} else {
		to = x.r.URL.Query().Get("return_to")
	}
	if to == "" {
		return form, s.signOuts.page
	}
	return form, returnURL(to)
}
