package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/session"
	"sessiongate/web"
)

// problem is an error on its way to the client (RFC 9457). Detail says what to
// do about it; Cause is for the log only and may name inner addresses.
type problem struct {
	Status     int
	Code       string // stable, for programs
	Title      string
	Detail     string
	Reason     session.Reason
	RetryAfter time.Duration
	Login      bool // signing in would help: add login_url
	Anew       bool // a new sign-in may help: add login_url, and send nobody there
	OtherUser  bool // another user might be allowed: the page offers to sign out
	Allow      string
	MaxAge     string   // with Login: how old the sign-in may be, in seconds; empty: any
	ACR        []string // with Login: how strong the sign-in must be, any of these; empty: in any way
	Provider   string   // with Login: where to sign in; empty: anywhere
	Challenge  string   // WWW-Authenticate; empty: our cookie's, on a 401
	Mark       string   // stale mark to set; empty: none
	Cause      error
}

// Error implements error.
func (p *problem) Error() string {
	if p.Cause != nil {
		return p.Code + ": " + p.Cause.Error()
	}
	return p.Code
}

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.Cause }

func badRequest(detail string, cause error) *problem {
	return &problem{Status: 400, Code: "bad_request", Title: "Bad request", Detail: detail, Cause: cause}
}

func notFound() *problem {
	return &problem{Status: 404, Code: "not_found", Title: "Not found", Detail: "There is nothing at this address."}
}

func methodNotAllowed(allow string) *problem {
	return &problem{
		Status: 405, Code: "method_not_allowed", Title: "Method not allowed",
		Detail: "This address takes " + allow + ".", Allow: allow,
	}
}

func payloadTooLarge() *problem {
	return &problem{
		Status: 413, Code: "payload_too_large", Title: "Request body too large",
		Detail: "Send a smaller body; the limit is the route's body_limit.",
	}
}

func problemCrossOrigin(f crossFacts) *problem {
	from := "another site"
	if f.origin != "" && f.origin != "null" {
		from = "the origin " + strconv.Quote(session.PlainText(f.origin, 100))
	}
	return &problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "The request comes from " + from + ". If that origin is yours, list it in cross_origin.allowed_origins.",
	}
}

func problemWantHeader() *problem {
	return &problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "A request that changes something and sends our cookie without an Origin or Sec-Fetch-Site header " +
			"must carry X-Requested-With. For curl: -H 'X-Requested-With: curl'; in Postman add that header.",
	}
}

func misdirected(origin string) *problem {
	return &problem{
		Status: 421, Code: "misdirected_request", Title: "Wrong host",
		Detail: "This gateway answers as " + origin + " (server.public_url). Use that address.",
	}
}

// problemOf sorts any error into the contract's codes. What it does not know is
// a plain 500: details of unforeseen errors are not for strangers.
func problemOf(err error) *problem {
	var known *problem
	var ended *session.EndedError
	var down *session.UnavailableError
	var stale *session.StaleError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &ended):
		return problemEnded(ended)
	case errors.As(err, &down):
		return problemUnavailable(down)
	case errors.As(err, &stale):
		return &problem{
			Status: 401, Code: staleCode, Title: "Outdated session cookie", Login: true, Mark: stale.Mark,
			Detail: "A newer cookie was issued to this browser. Repeat the request once.",
		}
	case errors.Is(err, errAnonymous), errors.Is(err, session.ErrUnauthentic):
		return &problem{
			Status: 401, Code: "authentication_required", Title: "Not signed in", Login: true,
			Detail: "Sign in at login_url and repeat the request.",
		}
	case errors.Is(err, session.ErrInvalidCredentials):
		return &problem{
			Status: 401, Code: "invalid_credentials", Title: "Wrong user name or password",
			Detail: "Check the user name and the password and try again.",
		}
	case errors.Is(err, session.ErrBusy):
		return &problem{
			Status: 503, Code: "provider_unavailable", Title: "Too many sign-ins at once",
			Detail: "Try again in a moment.", RetryAfter: 2 * time.Second, Cause: err,
		}
	case errors.Is(err, session.ErrNoSession), errors.Is(err, session.ErrTooMany):
		return problemDevices(err)
	case errors.Is(err, session.ErrNoProvider):
		return badRequest("Name a provider that takes a password in the field provider.", err)
	}
	return &problem{
		Status: 500, Code: "internal_error", Title: "Internal error",
		Detail: "The gateway made a mistake. The log has more under the request id.", Cause: err,
	}
}

func problemEnded(e *session.EndedError) *problem {
	p := &problem{Status: 401, Login: true, Reason: e.Reason, Cause: e}
	switch {
	case e.Reason == "" || e.Reason.Expiry():
		p.Code, p.Title, p.Detail = "session_expired", "Session expired", "Sign in again at login_url."
	case e.Reason == session.Reused:
		p.Code, p.Title = string(session.Reused), "Session ended for safety"
		p.Detail = "An old copy of this session's cookie was used. Sign in again; if this repeats, look at your devices."
	default:
		p.Code, p.Title, p.Detail = "session_ended", "Session ended", "Sign in again at login_url."
	}
	return p
}

func problemUnavailable(e *session.UnavailableError) *problem {
	p := &problem{Status: 503, RetryAfter: e.RetryAfter, Cause: e}
	if e.Subsystem == session.SubsystemStore {
		p.Code, p.Title = "store_unavailable", "Session store unavailable"
	} else {
		p.Code, p.Title, p.Anew = "provider_unavailable", "Sign-in service unavailable", true
	}
	p.Detail = "This signs nobody out. Try again shortly."
	return p
}

func problemUpstream(f *proxy.Failure) *problem {
	p := &problem{Status: f.Kind.Status(), Code: f.Kind.String(), Cause: f.Err, RetryAfter: f.RetryAfter}
	switch f.Kind {
	case proxy.TimedOut:
		p.Title, p.Detail = "Upstream timeout", "The application behind the gateway did not answer in time."
	case proxy.TooLarge:
		return payloadTooLarge()
	case proxy.BadRequest:
		p.Title, p.Detail = "Bad request", "The request is malformed and was not forwarded."
	case proxy.NotFound:
		return notFound()
	case proxy.MethodNotAllowed:
		return methodNotAllowed("GET, HEAD")
	case proxy.Unavailable:
		p.Title, p.Detail = "Upstream unavailable", "The application behind the gateway is out of service at the moment. Try again shortly."
	case proxy.Unreachable, proxy.Refused, proxy.ClientGone:
		p.Title, p.Detail = "Upstream unreachable", "The application behind the gateway could not be reached."
	}
	return p
}

// staleCode asks for the request once more, see stale.go.
const staleCode = "session_stale"

// fail renders an error: a page for a person, problem+json for a program. It is
// the only place where an error becomes a response.
func (s *Server) fail(x *exchange, err error) {
	if !x.answered() && errors.Is(x.r.Context().Err(), context.Canceled) {
		// The client hung up, and that is why it failed. The connection is cut: a
		// half-closed one would otherwise see an empty 200.
		x.status = proxy.ClientGone.Status()
		panic(http.ErrAbortHandler)
	}
	p := problemOf(err)
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
		h.Set("Retry-After", strconv.Itoa(seconds(p.RetryAfter)))
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
	case p.Code == staleCode && s.failStale(x):
	case byPerson(x.r):
		s.failPage(x, p)
	default:
		s.failJSON(x, p)
	}
}

func (s *Server) failJSON(x *exchange, p *problem) {
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
		Reason: p.Reason, RequestID: x.client.RequestID, RetryAfter: seconds(p.RetryAfter),
	}
	if p.Login || p.Anew {
		doc.LoginURL = s.loginPage
		if ask := p.ask(); ask != "" {
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

func (s *Server) failPage(x *exchange, p *problem) {
	page := web.MessagePage{
		Status: p.Status, Title: p.Title, Text: p.Detail, RequestID: x.client.RequestID,
		Primary: web.Link{Label: "Try again", Href: x.r.URL.RequestURI(), Keep: true},
	}
	switch {
	case p.Login:
		page.Text = "Sign in to see this page."
		page.Primary = web.Link{Label: "Sign in", Href: s.loginURLFor(x.r, p), Keep: true}
	case p.Anew && !strings.HasPrefix(x.r.URL.Path, s.prefix+"/"):
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
func (s *Server) afterForm(x *exchange, p *problem, page *web.MessagePage) {
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
func (s *Server) loginURLFor(r *http.Request, p *problem) string {
	return s.loginURLTo(p, returnURL(r.URL.RequestURI()))
}

// loginURLTo is loginURLFor with the way back as it was checked before.
func (s *Server) loginURLTo(p *problem, to string) string {
	to = "?return_to=" + url.QueryEscape(to)
	ask := p.ask()
	if ask == "" {
		return s.loginPage + to
	}
	return s.loginPath(p) + to + "&" + ask
}

// loginPath is the page to sign in on: where a provider has pages of its own, our
// endpoint that leads there.
func (s *Server) loginPath(p *problem) string {
	if p.Provider != "" && s.redirectProvider(p.Provider) != "" {
		return s.prefix + "/login"
	}
	return s.loginPage
}

// ask is what a login address says beside where to return to.
func (p *problem) ask() string {
	q := url.Values{}
	if p.MaxAge != "" {
		q.Set("max_age", p.MaxAge)
	}
	if len(p.ACR) > 0 {
		q.Set("acr_values", strings.Join(p.ACR, " "))
	}
	if len(q) > 0 && p.Provider != "" {
		q.Set("provider", p.Provider)
	}
	return q.Encode()
}

// seconds rounds up: "retry after 0" would be a lie.
func seconds(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Second - 1) / time.Second)
}
