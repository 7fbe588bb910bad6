package endpoints

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sessiongate/gateway/crossorigin"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

const (
	maxHint   = 256 // bytes of a login_hint
	maxMaxAge = 365 * 24 * time.Hour
	maxACR    = 8
)

// redirectLogin begins a sign-in at a provider's own page, if the request is for
// one: it names that provider, or there is no other way to sign in. current is
// why the browser has no session (nil: it has one).
func (s *signIn) redirectLogin(x *exchange.Exchange, to string, current error) (handled bool, err error) {
	q := x.Request.URL.Query()
	name := s.Responder.RedirectProvider(q.Get("provider"))
	if name == "" || x.Request.Method == http.MethodHead {
		return false, nil
	}
	if s.memory.recent(x.Request) {
		if q.Get("provider") == "" {
			return false, nil // nobody is signed in again without a click
		}
		s.Cookies.BindTo(x, session.NewLoginBinding())
	}
	if !startable(x.Request) {
		return true, problem.BadRequest("A sign-in begins with a navigation: open this address in the browser's window.", nil)
	}
	ask, err := readAsk(q)
	if err != nil {
		return true, err
	}
	ask.UILocales = exchange.UILocales(x.Request)
	if x.Request.Header.Get("Sec-Fetch-Mode") != "" && q.Get(begun) == "" {
		s.begin(x, to)
		return true, nil
	}
	if err := s.Limits.Start(x.Request.Context(), x.Client); err != nil {
		return true, err
	}
	start := session.LoginStart{
		Provider: name, Browser: s.Cookies.BindBrowser(x), ReturnTo: to, AuthRequest: ask, PriorCookies: x.SessionCookies(),
	}
	// Whoever was signed in a moment ago, and lost the session to a token that ran
	// out, most likely still is at the provider.
	var ended *session.EndedError
	start.PromptNone = errors.As(current, &ended) && ended.Reason == session.ProviderRefused && ask.Prompt == "" && ask.MaxAge == nil &&
		len(ask.ACR) == 0
	location, err := s.Redirects.StartLogin(x.Request.Context(), start)
	if err != nil {
		return true, err
	}
	return true, x.SeeOther(location)
}

// startable reports whether a request may begin a sign-in: a navigation of a
// window, by a person. An image, a frame, a fetch or a prefetch is not.
func startable(r *http.Request) bool {
	return exchange.Repeatable(r) && !strings.Contains(strings.ToLower(r.Header.Get("Purpose")+r.Header.Get("X-Moz")), "prefetch")
}

// asksForMore reports that a signed-in user is to sign in again.
func asksForMore(q url.Values) bool {
	return q.Get("prompt") != "" || q.Get("max_age") != "" || q.Get("acr_values") != ""
}

// readAsk takes the parameters that a page may pass on to the provider. The list
// is closed: anything else could change what the sign-in means.
func readAsk(q url.Values) (ask session.AuthRequest, err error) {
	ask.LoginHint = session.PlainText(q.Get("login_hint"), maxHint)
	switch p := q.Get("prompt"); p {
	case "", "none", "login", "consent", "select_account", "create":
		ask.Prompt = p
	default:
		return ask, problem.BadRequest("prompt is none, login, consent, select_account or create.", nil)
	}
	if text := q.Get("max_age"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return ask, problem.BadRequest("max_age is a number of seconds.", nil)
		}
		age := min(time.Duration(n)*time.Second, maxMaxAge)
		ask.MaxAge = &age
	}
	ask.ACR = strings.Fields(q.Get("acr_values"))
	if len(ask.ACR) > maxACR || len(q.Get("acr_values")) > exchange.MaxReturnURL {
		return ask, problem.BadRequest("acr_values is too long.", nil)
	}
	return ask, nil
}

// providerLinks is the picker of the login page. What the request asks for goes
// along with each link.
func (s *signIn) providerLinks(x *exchange.Exchange, to string) (links []web.ProviderLink) {
	q, out := goesAlong(x.Request.URL.Query()), s.memory.recent(x.Request)
	for _, name := range s.Providers.RedirectProviders() {
		next := maps.Clone(q)
		next.Set("provider", name)
		next.Set("return_to", to)
		if out && !next.Has("prompt") {
			if prompt := s.memory.prompt(x, name); prompt != "" {
				next.Set("prompt", prompt)
			}
		}
		links = append(links, web.ProviderLink{
			Name: name, Label: s.ProviderLabels[name], Href: s.Site.Prefix + "/login?" + next.Encode(),
		})
	}
	return links
}

// goesAlong are the parameters of a sign-in's address that its next one has too.
func goesAlong(q url.Values) url.Values {
	next := make(url.Values)
	for _, key := range []string{"prompt", "max_age", "acr_values", "login_hint", "ui_locales"} {
		if v := q.Get(key); v != "" {
			next.Set(key, v)
		}
	}
	return next
}

// begun marks the address of a sign-in whose page to begin with has been shown.
const begun = "begin"

// begin shows that page: the fragment is still there, and after the redirect to the
// provider it is not. Only a browser that speaks Fetch Metadata gets it; other
// clients get their redirect at once.
func (s *signIn) begin(x *exchange.Exchange, to string) {
	q := x.Request.URL.Query()
	next := goesAlong(q)
	next.Set("return_to", to)
	next.Set(begun, "1")
	if name := q.Get("provider"); name != "" {
		next.Set("provider", name)
	}
	s.Responder.Send(x, http.StatusOK, s.Pages.PassingCSP(), []byte(s.Responder.Edition(x.Request).Begin(s.Site.Prefix+"/login?"+next.Encode(), to)))
}

// returnPage is the chain in front of endpoints that another site sends a browser
// to. Our Strict cookie does not come along and nothing here relies on it; what
// is left to refuse is everything that is not a navigation of a window.
func returnPage(h func(*exchange.Exchange) error) func(*exchange.Exchange) error {
	return func(x *exchange.Exchange) error {
		f := crossorigin.FactsOf(x.Request)
		if f.Mode != "" && !f.Document() || f.Prefetch {
			return crossorigin.Refusal(f)
		}
		return h(x)
	}
}

// continueTo leads on from our own origin (see [web.Edition.Continue]).
func (s *signIn) continueTo(x *exchange.Exchange, to string) error {
	x.Header().Set("Referrer-Policy", "no-referrer") // our address holds the code
	s.Responder.Send(x, http.StatusOK, s.Pages.PassingCSP(), []byte(s.Responder.Edition(x.Request).Continue(to)))
	return nil
}
