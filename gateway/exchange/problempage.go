package exchange

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// problemPage is the page that tells one person of one problem.
type problemPage struct {
	*Responder
	x       *Exchange
	problem *problem.Problem
	edition *web.Edition
}

// send answers a person, in words of theirs and with a way on. What the problem says to programs is
// for developers, on their own machine.
func (r problemPage) send() {
	x, p := r.x, r.problem
	page := web.MessagePage{Status: p.Status, RequestID: x.Client.RequestID, Help: p.Code == "session_ended" || p.Code == "session_reused"}
	page.Title, page.Text = r.Words(x, p)
	if r.loopback {
		page.Detail = p.Detail
	}
	r.waysOn(&page)
	if !Navigation(x.Request) {
		r.afterForm(&page)
	}
	r.Page(x, p.Status, func(b *bytes.Buffer) error { return r.edition.Message(b, page) })
}

// Words are what a problem means to people, in the language of whoever asks.
func (r *Responder) Words(x *Exchange, p *problem.Problem) (title, text string) {
	e, name := r.Edition(x.Request), ""
	if id := x.Identity(); id != nil {
		name = id.Name
	}
	reason := textReason(p, name)
	if p.Status == http.StatusServiceUnavailable && r.signingIn(x.Request) {
		reason = "signing_in" // nobody is afraid there of being signed out
	}
	title, text = e.Problem(p.Code, reason, web.Args{"name": name, "origin": r.o.Site.Origin, "wait": e.Wait(p.RetryAfter)})
	if p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable && x.Identity() != nil {
		text += " " + e.Text("page.still_signed_in", nil)
	}
	return title, text
}

// signingIn reports a sign-in with a password.
func (r *Responder) signingIn(req *http.Request) bool {
	return req.Method == http.MethodPost && req.URL.Path == r.o.Site.Prefix+"/login"
}

// WhyEnded says to people why their session ended, from the error of [Exchange.Authenticate]. It is
// empty of a session that goes on, of one that they ended here themselves, and of none.
func (r *Responder) WhyEnded(x *Exchange, err error) string {
	var ended *session.EndedError
	if !errors.As(err, &ended) || ended.Reason == session.Logout {
		return ""
	}
	_, text := r.Words(x, problem.Of(ended))
	return text
}

// textReason chooses among the texts of a code.
func textReason(p *problem.Problem, name string) string {
	switch {
	case p.Reason != "":
		return string(p.Reason)
	case p.Code == "forbidden" && !p.OtherUser: // no role is missing: it is one session too many
		return "too_many_sessions"
	case p.Code == "forbidden" && name == "":
		return "anonymous"
	case p.Code == "upstream_unreachable" && p.Status == http.StatusServiceUnavailable: // known to be down: nobody was asked
		return "out_of_service"
	}
	return ""
}

// waysOn are the buttons of a page that was asked for.
func (r problemPage) waysOn(page *web.MessagePage) {
	e, x, p := r.edition, r.x, r.problem
	home := web.Link{Label: e.Text("button.home", nil), Href: r.o.Pages.Home()}
	switch {
	case p.Code == "reauthentication_required":
		page.Primary = web.Link{Label: e.Text("button.continue", nil), Href: r.LoginURLFor(x.Request, p), Keep: true}
		page.Secondary = web.Link{Label: e.Text("button.cancel", nil), Href: home.Href}
	case p.SignIn.Helps:
		page.Primary = web.Link{Label: e.Text("button.sign_in", nil), Href: r.LoginURLFor(x.Request, p), Keep: true}
	case p.Code == "misdirected_request":
		page.Origin = r.o.Site.Origin
	case p.OtherUser:
		page.Primary = home
		page.Secondary = web.Link{Label: e.Text("button.other_user", nil), Href: r.otherUser(ReturnURL(x.Request.URL.RequestURI()))}
	case hopeless(p.Status):
		page.Primary = home
	default:
		page.Primary = web.Link{Label: e.Text("button.try_again", nil), Href: x.Request.URL.RequestURI(), Keep: true}
	}
	if r.signInMayHelp() {
		page.Secondary = web.Link{Label: e.Text("button.sign_in_again", nil), Href: r.LoginURL(x.Request), Keep: true}
	}
}

// signInMayHelp reports that there is a way past the problem for whoever signs in again.
func (r problemPage) signInMayHelp() bool {
	return r.problem.SignIn.MayHelp && !strings.HasPrefix(r.x.Request.URL.Path, r.o.Site.Prefix+"/")
}

// otherUser is the address to come back to as somebody else. It leads through the sign-out: a provider
// with a session of its own would only sign in the same user again.
func (r problemPage) otherUser(to string) string {
	login := r.o.Site.LoginPage + "?return_to=" + url.QueryEscape(to)
	return r.Along(r.x.Request, r.o.Site.Prefix+"/logout?return_to="+url.QueryEscape(r.Along(r.x.Request, login)))
}

// hopeless reports a status with which the same request would be answered once more.
func hopeless(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusUnauthorized
}

// afterForm leads on from a form that was refused: its address may answer to nothing but the form, so
// the way is back to the page it stood on. Where a sign-in helps, it begins in another tab: this one
// still has what was typed, and sends it when it is loaded again.
func (r problemPage) afterForm(page *web.MessagePage) {
	e, x, p := r.edition, r.x, r.problem
	from := r.referer(x.Request)
	again := page.Primary.Keep && !p.SignIn.Helps || p.Status == http.StatusRequestEntityTooLarge
	page.Primary.Keep, page.Secondary.Keep = false, false // the fragment here is the form's, not that page's
	switch {
	case p.SignIn.Helps:
		page.Title, page.Text = e.Problem("form_not_sent", p.Code, nil)
		page.Primary = web.Link{
			Label: e.Text("button.sign_in_new_tab", nil), Href: r.loginURLTo(x.Request, p, r.o.Site.Prefix+"/done"), NewTab: true,
		}
		page.Secondary = web.Link{}
	case p.OtherUser:
		page.Secondary.Href = r.otherUser(from)
	case again:
		page.Primary = web.Link{Label: e.Text("button.form", nil), Href: from}
	}
	if r.signInMayHelp() {
		page.Secondary.Href = r.loginURLTo(x.Request, p, from)
	}
}

// failStale answers a navigation that came with a retired handle with a page that asks for the same
// address again, for nobody else repeats it; scripts do so themselves. It returns false for
// everything else.
func (r *Responder) failStale(x *Exchange) bool {
	e := r.Edition(x.Request)
	switch {
	case Repeatable(x.Request):
		r.Send(x, http.StatusUnauthorized, r.reload[e].CSP, r.reload[e].Body)
	case sentForm(x.Request):
		r.Page(x, http.StatusUnauthorized, func(b *bytes.Buffer) error {
			return e.Message(b, web.MessagePage{
				Status: http.StatusUnauthorized, Title: e.Text("resend.title", nil), Text: e.Text("resend.text", nil),
				RequestID: x.Client.RequestID,
			})
		})
	default:
		return false
	}
	return true
}
