package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/session"
	"sessiongate/web"
)

// fail renders an error: a page for a person, problem+json for a program. It is
// the only place where an error becomes a response.
func (s *Server) fail(x *exchange, err error) {
	if !x.answered() && errors.Is(x.r.Context().Err(), context.Canceled) {
		// The client hung up, and that is why it failed. The connection is cut: a
		// half-closed one would otherwise see an empty 200.
		x.status = proxy.ClientGone.Status()
		panic(http.ErrAbortHandler)
	}
	p := problem.Of(err)
	if p.Status >= 500 || p.Cause != nil && p.Status != http.StatusUnauthorized {
		s.logProblem(x, p)
	}
	if x.answered() {
		return // the headers are gone; there is nothing left to say
	}
	h := x.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(problem.Seconds(p.RetryAfter)))
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.Challenge == "" && p.Status == http.StatusUnauthorized {
		p.Challenge = `Cookie realm="` + s.origin + `"` // RFC 9110 §15.5.2 wants a challenge
	}
	if p.Challenge != "" {
		h.Set("WWW-Authenticate", p.Challenge)
	}
	if p.Mark != "" && x.session == nil {
		s.setMark(h, p.Mark)
	}
	switch {
	case p.Code == problem.StaleCode && s.failStale(x):
	case byPerson(x.r):
		s.failPage(x, p)
	default:
		s.failJSON(x, p)
	}
}

func (s *Server) failJSON(x *exchange, p *problem.Problem) {
	doc := struct {
		Type       string         `json:"type"`
		Title      string         `json:"title"`
		Status     int            `json:"status"`
		Detail     string         `json:"detail"`
		Code       string         `json:"code"`
		Reason     session.Reason `json:"reason,omitempty"`
		RequestID  string         `json:"request_id"`
		LoginURL   string         `json:"login_url,omitempty"`
		RetryAfter int            `json:"retry_after,omitempty"`
	}{
		Type: "urn:sessiongate:problem:" + p.Code, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code,
		Reason: p.Reason, RequestID: x.client.RequestID, RetryAfter: problem.Seconds(p.RetryAfter),
	}
	if p.Login || p.MayLogin {
		doc.LoginURL = s.loginPage
		if ask := p.LoginQuery(); ask != "" {
			doc.LoginURL = s.loginPath(p) + "?" + ask
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		body = []byte(`{"code":"internal_error","status":500}`)
	}
	x.Header().Set("Content-Type", "application/problem+json")
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(p.Status)
	if x.r.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
}

func (s *Server) failPage(x *exchange, p *problem.Problem) {
	page := web.MessagePage{
		Status: p.Status, Title: p.Title, Text: p.Detail, RequestID: x.client.RequestID,
		Primary: web.Link{Label: "Try again", Href: x.r.URL.RequestURI(), Keep: true},
	}
	switch {
	case p.Login:
		page.Text = "Sign in to see this page."
		page.Primary = web.Link{Label: "Sign in", Href: s.loginURLFor(x.r, p), Keep: true}
	case p.MayLogin && !strings.HasPrefix(x.r.URL.Path, s.prefix+"/"):
		page.Text = "This signs nobody out. Try again shortly; if this repeats, sign in again."
		page.Secondary = web.Link{Label: "Sign in again", Href: s.loginURL(x.r), Keep: true}
	case p.OtherUser:
		page.Primary = web.Link{Label: "To the start page", Href: "/"}
		page.Secondary = web.Link{Label: "Sign out", Href: s.prefix + "/logout"}
	case p.Status == http.StatusNotFound, p.Status == http.StatusBadRequest: // the same again would be answered the same
		page.Primary = web.Link{Label: "To the start page", Href: "/"}
	}
	if !navigation(x.r) {
		s.afterForm(x, p, &page)
	}
	s.page(x, p.Status, func(b *bytes.Buffer) error { return s.pages.Message(b, page) })
}

// afterForm leads on from a form that was refused: its address may answer to nothing but
// the form, so the way is back to the page it stood on.
func (s *Server) afterForm(x *exchange, p *problem.Problem, page *web.MessagePage) {
	from := s.referer(x.r)
	page.Primary.Keep, page.Secondary.Keep = false, false // the fragment here is the form's, not that page's
	switch {
	case p.Login:
		page.Title = "Nothing was sent"
		page.Text = "You are not signed in any more, so the form was not passed on. " +
			"Sign in, go back to the form and send it again."
		page.Primary.Href = s.loginURLTo(p, from)
	case page.Primary.Label == "Try again":
		page.Primary = web.Link{Label: "Back to the form", Href: from}
	}
}

// referer is the page of ours that a request came from, as a return URL.
func (s *Server) referer(r *http.Request) string {
	return returnURL(strings.TrimPrefix(r.Referer(), s.origin))
}

// loginURL is where a person signs in to come back to this request.
func (s *Server) loginURL(r *http.Request) string {
	return s.loginPage + "?return_to=" + url.QueryEscape(returnURL(r.URL.RequestURI()))
}

// loginURLFor is loginURL with what the problem asks of the sign-in.
func (s *Server) loginURLFor(r *http.Request, p *problem.Problem) string {
	return s.loginURLTo(p, returnURL(r.URL.RequestURI()))
}

// loginURLTo is loginURLFor with the way back as it was checked before.
func (s *Server) loginURLTo(p *problem.Problem, to string) string {
	to = "?return_to=" + url.QueryEscape(to)
	ask := p.LoginQuery()
	if ask == "" {
		return s.loginPage + to
	}
	return s.loginPath(p) + to + "&" + ask
}

// loginPath is the page to sign in on: where a provider has pages of its own, our
// endpoint that leads there.
func (s *Server) loginPath(p *problem.Problem) string {
	if p.Provider != "" && s.redirectProvider(p.Provider) != "" {
		return s.prefix + "/login"
	}
	return s.loginPage
}

// logProblem keeps the cause of a failed request for the operator.
func (s *Server) logProblem(x *exchange, p *problem.Problem) {
	level := slog.LevelDebug
	if p.Status >= 500 {
		level = slog.LevelWarn
	}
	cause := p.Code
	if p.Cause != nil {
		cause = p.Cause.Error()
	}
	s.log.LogAttrs(context.Background(), level, "problem",
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.String("route", x.label),
		slog.String("request_id", x.client.RequestID), slog.String("cause", cause))
}
