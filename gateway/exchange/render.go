package exchange

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// failJSON answers a program (RFC 9457).
func (r *Responder) failJSON(x *Exchange, p *problem.Problem) {
	doc := struct {
		Type       string         `json:"type"`
		Title      string         `json:"title"`
		Status     int            `json:"status"`
		Detail     string         `json:"detail"`
		Code       string         `json:"code"`
		Reason     session.Reason `json:"reason,omitempty"`
		Step       map[string]any `json:"step,omitempty"`
		RequestID  string         `json:"request_id"`
		LoginURL   string         `json:"login_url,omitempty"`
		RetryAfter int            `json:"retry_after,omitempty"`
	}{
		Type: "urn:sessiongate:problem:" + p.Code, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code,
		Reason: p.Reason, Step: p.Step(), RequestID: x.Client.RequestID, RetryAfter: problem.Seconds(p.RetryAfter),
	}
	if p.SignIn.Helps || p.SignIn.MayHelp {
		doc.LoginURL = r.o.Site.LoginPage
		if ask := p.SignIn.Query(); ask != "" {
			doc.LoginURL = r.loginPath(p) + "?" + ask
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		body = []byte(`{"code":"internal_error","status":500}`)
	}
	x.Header().Set("Content-Type", "application/problem+json")
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(p.Status)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
}

// failPage answers a person, with a way on.
func (r *Responder) failPage(x *Exchange, p *problem.Problem) {
	page := web.MessagePage{
		Status: p.Status, Title: p.Title, Text: p.Detail, RequestID: x.Client.RequestID,
		Primary: web.Link{Label: "Try again", Href: x.Request.URL.RequestURI(), Keep: true},
	}
	switch {
	case p.SignIn.Helps:
		page.Text = "Sign in to see this page."
		page.Primary = web.Link{Label: "Sign in", Href: r.LoginURLFor(x.Request, p), Keep: true}
	case p.SignIn.MayHelp && !strings.HasPrefix(x.Request.URL.Path, r.o.Site.Prefix+"/"):
		page.Text = "This signs nobody out. Try again shortly; if this repeats, sign in again."
		page.Secondary = web.Link{Label: "Sign in again", Href: r.LoginURL(x.Request), Keep: true}
	case p.OtherUser:
		page.Primary = web.Link{Label: "To the start page", Href: "/"}
		page.Secondary = web.Link{Label: "Sign out", Href: r.o.Site.Prefix + "/logout"}
	case p.Status == http.StatusNotFound, p.Status == http.StatusBadRequest: // the same again would be answered the same
		page.Primary = web.Link{Label: "To the start page", Href: "/"}
	}
	if !Navigation(x.Request) {
		r.afterForm(x, p, &page)
	}
	r.Page(x, p.Status, func(b *bytes.Buffer) error { return r.o.Pages.Message(b, page) })
}

// afterForm leads on from a form that was refused: its address may answer to nothing but
// the form, so the way is back to the page it stood on.
func (r *Responder) afterForm(x *Exchange, p *problem.Problem, page *web.MessagePage) {
	from := r.referer(x.Request)
	page.Primary.Keep, page.Secondary.Keep = false, false // the fragment here is the form's, not that page's
	switch {
	case p.SignIn.Helps:
		page.Title = "Nothing was sent"
		page.Text = "You are not signed in any more, so the form was not passed on. " +
			"Sign in, go back to the form and send it again."
		page.Primary.Href = r.loginURLTo(p, from)
	case page.Primary.Label == "Try again":
		page.Primary = web.Link{Label: "Back to the form", Href: from}
	}
}

// failStale answers a navigation that came with a retired handle with a page that asks for the same
// address again, for nobody else repeats it; scripts do so themselves. It returns false for
// everything else.
func (r *Responder) failStale(x *Exchange) bool {
	switch {
	case Repeatable(x.Request):
		r.Send(x, http.StatusUnauthorized, r.reload.CSP, r.reload.Body)
	case sentForm(x.Request):
		r.Page(x, http.StatusUnauthorized, func(b *bytes.Buffer) error {
			return r.o.Pages.Message(b, web.MessagePage{
				Status: http.StatusUnauthorized, Title: "Please send this again", RequestID: x.Client.RequestID,
				Text: "Your browser sent an outdated cookie, so nothing was passed on. " +
					"Reload this page and confirm, or go back and send the form once more.",
			})
		})
	default:
		return false
	}
	return true
}
