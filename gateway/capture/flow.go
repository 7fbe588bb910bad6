package capture

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/masking"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// startedHeader tells a page that an answer has signed it in.
const startedHeader = "X-Sessiongate-Session"

// Flow is one request to an API whose answer may begin a session. It is for one goroutine.
type Flow struct {
	s       *Service
	x       *exchange.Exchange
	capture *routing.Capture
	api     *API

	start    session.CaptureStart
	replaces []session.ID // that the browser had when it left for a page elsewhere
	outcome  limits.Outcome
}

// Response looks at the API's answer before a byte of it goes on. whole says that the answer was
// read and rewritten, and is complete; otherwise it is still to be looked at as any other of the API. An
// error takes its place.
func (f *Flow) Response(res *http.Response) (whole bool, err error) {
	delete(res.Header, startedHeader) // ours to say
	a := session.APIAnswer{Path: f.capture.Via, Status: res.StatusCode, Header: res.Header}
	if !f.capture.SignsIn(res.StatusCode) {
		f.refused(a)
		return false, nil
	}
	body, err := readJSON(res, f.x.Request.Method, f.api.Timeout)
	if err != nil {
		f.giveBackFields(a)
		return false, unreadable(err)
	}
	a.Body = body
	grant, err := f.s.o.SignIn.Read(f.x.Request.Context(), f.capture.Provider, a, f.start, f.x.Client)
	switch {
	case errors.Is(err, session.ErrNoGrant):
		f.refused(a)
		return false, nil
	case err != nil:
		return false, problem.Of(err)
	}
	f.outcome = limits.SignedIn
	f.capture.API.Known.Learn(grant.Tokens.Access.Reveal())
	if body, err = f.erase(res.Header, body, grant.Tokens); err != nil {
		f.s.o.SignIn.GiveBack(f.capture.Provider, grant.Tokens)
		return false, unreadable(err)
	}
	if err := f.signIn(res.Header, grant); err != nil {
		return false, err
	}
	res.Trailer = nil
	if a.Body == nil {
		return false, nil
	}
	replaceBody(res, body)
	return true, nil
}

// refused notes a no, which counts as a guess. Without a session so does every other 4xx but a login's:
// that an address is taken is an answer, too. A session's browser asks for much that there is not.
func (f *Flow) refused(a session.APIAnswer) {
	login := f.capture.Call == routing.CallLogin
	switch {
	case f.api.Calls.Refuses(a):
		f.outcome = limits.Refused
	case !login && f.x.Session == nil && a.Status >= 400 && a.Status < 500:
		f.outcome = limits.Refused
	}
	if login && f.outcome == limits.Refused {
		f.s.o.Recorder.Record(session.Event{
			Type: session.EventLoginFailed, Provider: f.capture.Provider, Via: f.capture.Via, Client: f.x.Client,
			Err: session.ErrInvalidCredentials,
		})
	}
}

// giveBackFields gives back the tokens that stand in the header of an answer whose body cannot be
// read.
func (f *Flow) giveBackFields(a session.APIAnswer) {
	grant, err := f.s.o.SignIn.Read(f.x.Request.Context(), f.capture.Provider, a, f.start, f.x.Client)
	if err == nil {
		f.s.o.SignIn.GiveBack(f.capture.Provider, grant.Tokens)
	}
}

// erase takes the tokens out of an answer, and makes sure of it.
func (f *Flow) erase(h http.Header, body []byte, t session.Tokens) ([]byte, error) {
	tokens := valuesOf(t)
	f.capture.API.Mask.Strip(h)
	masking.Forget(h)
	delete(h, "Etag") // of another body
	dropFields(h, tokens)
	if body != nil {
		f.capture.API.Mask.Mask(body, masking.JSON, judge{f.capture.API.Known, tokens, f.carried()})
		body = erase(body, tokens, f.api.Placeholder)
	}
	return body, leftover(h, body, tokens)
}

// judge knows the tokens of the answer at hand, and the API's others.
type judge struct {
	known  *masking.Family
	tokens []string
	own    string
}

// carried is the token of the session that the request was sent with; empty: none.
func (f *Flow) carried() string {
	if f.x.Session == nil {
		return ""
	}
	return f.x.Session.AccessToken().Reveal()
}

// IsToken implements [masking.Judge].
func (j judge) IsToken(text []byte, named bool) bool {
	for _, t := range j.tokens {
		if string(text) == t {
			return true
		}
	}
	return j.known.Has(text, named)
}

// InPage implements [masking.Judge]: what is captured is JSON.
func (j judge) InPage(text []byte) bool { return j.IsToken(text, false) }

// Own implements [masking.Judge].
func (j judge) Own() string { return j.own }

// signIn begins the session and gives the browser its cookie.
func (f *Flow) signIn(h http.Header, g session.Grant) error {
	x := f.x
	started, err := f.s.o.SignIn.SignIn(x.Request.Context(), session.CapturedLogin{
		Provider: f.capture.Provider, Via: f.capture.Via, Grant: g, Start: f.start, IPPrefix: exchange.IPPrefix(x.Client.IP),
		PriorCookies: x.SessionCookies(), Replaces: f.replaces, Client: x.Client,
	})
	if err != nil {
		return problem.Of(err)
	}
	value, maxAge, ok := f.s.o.Resolver.CookieValue(started)
	if !ok {
		return problem.Of(errors.New("seal session cookie"))
	}
	x.Session = nil // it was another's: its cookie must not come beside the new one
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Expires", "Age", "Surrogate-Control"} {
		delete(h, name)
	}
	f.s.o.Cookies.SetSession(h, value, maxAge)
	h[startedHeader] = []string{"started"}
	return nil
}

// replaceBody puts another body in the place of a response's.
func replaceBody(res *http.Response, body []byte) {
	res.Body = rest{bytes.NewReader(body), res.Body}
	res.ContentLength = int64(len(body))
	res.Header["Content-Length"] = []string{strconv.Itoa(len(body))}
}

// rest reads what was read before, and closes where that came from.
type rest struct {
	io.Reader
	io.Closer
}

// unreadable is the answer where the API's must not be passed on.
func unreadable(cause error) error { return problem.Unreadable(cause) }
