package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// SignIn begins sessions with what an API has granted. Its errors are those that [problem.Of] knows.
type SignIn interface {
	// Ready asks the store, before a request goes to an API.
	Ready(ctx context.Context, clientIP string) (session.CaptureStart, error)
	// Depart notes that a browser leaves for a page elsewhere.
	Depart(ctx context.Context, t session.CaptureTrip) error
	// Return spends a trip, and returns the sessions that the browser had when it left.
	// session.ErrNoAttempt says that this browser has begun none.
	Return(ctx context.Context, provider, path, browser string) ([]session.ID, error)
	// Read returns the grant of an answer. session.ErrNoGrant says that it carries none; with any
	// other error its tokens have been given back.
	Read(ctx context.Context, provider string, a session.APIAnswer, s session.CaptureStart, c session.Client) (session.Grant, error)
	// SignIn starts the session of a grant, or gives the tokens back.
	SignIn(ctx context.Context, l session.CapturedLogin) (*session.Session, error)
	// GiveBack withdraws tokens at the provider, in the background.
	GiveBack(provider string, t session.Tokens)
}

// Resolver knows what the cookie of a session holds.
type Resolver interface {
	// CookieValue returns the value and the lifetime of the session cookie; ok is false if it
	// cannot be sealed.
	CookieValue(s *session.Session) (value string, maxAge time.Duration, ok bool)
}

// Terminator ends sessions.
type Terminator interface {
	// Logout ends the session of a handle; session.ErrUnauthentic says that it is none of ours.
	Logout(ctx context.Context, kind session.Kind, value string, why session.Reason, c session.Client) (*session.Record, error)
}

// Calls knows the shapes of an API's calls. It is safe for concurrent use.
type Calls interface {
	// UserName finds who wants to sign in, in the body of a login; empty: nobody can tell.
	UserName(contentType string, body []byte) string
	// Refuses reports whether an answer says no to whoever wanted to sign in.
	Refuses(a session.APIAnswer) bool
	// AppAnswer is an answer to a refresh, with placeholder where tokens stand.
	AppAnswer(placeholder string, life time.Duration) (header map[string]string, body []byte, err error)
}

// API is an API whose answers are captured.
type API struct {
	Calls       Calls
	Placeholder string
	Timeout     time.Duration // for the body of an answer
}

// Options are what a [Service] is made of; all is required.
type Options struct {
	SignIn     SignIn
	Resolver   Resolver
	Terminator Terminator
	Limits     *limits.SignIn
	Cookies    *exchange.Cookies
	Responder  *exchange.Responder
	Bodies     exchange.BodyTimes
	Recorder   session.Recorder // of what is refused here; it gives events their time
	APIs       map[string]*API  // by the provider's name
	Now        func() time.Time
}

// Service serves requests whose answers may begin a session. It is safe for concurrent use.
type Service struct{ o Options }

// New returns a service.
func New(o Options) *Service { return &Service{o} }

// maxLogin bounds the body of a login, as that of our own.
const maxLogin = 16 << 10

// Serve sends a request on by forward, and signs in with its answer. forward is called at most once,
// and answers the request; if it is not called, Serve has answered.
func (s *Service) Serve(x *exchange.Exchange, c *routing.Capture, forward func(*Flow)) {
	f := &Flow{s: s, x: x, capture: c, api: s.o.APIs[c.Provider]}
	if err := s.serve(x, f, forward); err != nil {
		s.o.Responder.Fail(x, err)
	}
}

func (s *Service) serve(x *exchange.Exchange, f *Flow, forward func(*Flow)) (err error) {
	ctx := x.Request.Context()
	plainly(x.Request.Header)
	var name string
	if f.capture.Call == routing.CallLogin {
		if name, err = s.readLogin(x, f.api); err != nil {
			return err
		}
	}
	if f.capture.Begins != "" {
		f.replaces, err = s.o.SignIn.Return(ctx, f.capture.Provider, f.capture.Via, exchange.BoundBrowser(x.Request))
		if errors.Is(err, session.ErrNoAttempt) {
			return problem.BadRequest("This sign-in was not begun in this browser, or too long ago. Begin it again.", err)
		}
		if err != nil {
			return err
		}
	}
	attempt := limits.Attempt{Username: name, Client: x.Client, SignedIn: x.Session != nil}
	return s.o.Limits.Capture(ctx, attempt, func() (limits.Outcome, error) {
		start, err := s.o.SignIn.Ready(ctx, x.Client.IP)
		if err != nil {
			return limits.NoAttempt, err
		}
		f.start = start
		forward(f)
		return f.outcome, nil
	})
}

// plainly makes the request one for a whole answer that can be read. The API gets it as it is but
// for that, and for credentials, which are the gateway's to send.
func plainly(h http.Header) {
	for _, name := range []string{
		"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Authorization",
	} {
		delete(h, name)
	}
	h["Accept-Encoding"] = []string{"identity"} // without a field the API might choose (RFC 9110 §12.5.3)
}

// readLogin reads the body of a login for the user's name, and puts it back.
func (s *Service) readLogin(x *exchange.Exchange, api *API) (name string, err error) {
	r := x.Request
	if r.ContentLength == 0 || r.Body == nil {
		return "", nil
	}
	s.o.Bodies.Whole(x)
	body, err := exchange.ReadBody(x, maxLogin)
	if err != nil {
		return "", err
	}
	delete(r.Header, "Expect") // it has come
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	return api.Calls.UserName(r.Header.Get("Content-Type"), body), nil
}

// Depart binds the browser to the sign-ins that begin with this request.
func (s *Service) Depart(x *exchange.Exchange, begins []*routing.Capture) error {
	if err := s.o.Limits.Start(x.Request.Context(), x.Client); err != nil {
		return err
	}
	browser := s.o.Cookies.BindBrowser(x)
	for _, c := range begins {
		err := s.o.SignIn.Depart(x.Request.Context(), session.CaptureTrip{
			Provider: c.Provider, Path: c.Via, Browser: browser, PriorCookies: x.SessionCookies(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
