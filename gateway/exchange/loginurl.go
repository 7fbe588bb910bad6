package exchange

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sessiongate/gateway/problem"
)

// referer is the page of ours that a request came from, as a return URL.
func (r *Responder) referer(req *http.Request) string {
	return ReturnURL(strings.TrimPrefix(req.Referer(), r.o.Site.Origin))
}

// LoginURL is where a person signs in to come back to this request.
func (r *Responder) LoginURL(req *http.Request) string {
	return r.o.Site.LoginPage + "?return_to=" + url.QueryEscape(ReturnURL(req.URL.RequestURI())) + inLanguage(req)
}

// LoginURLFor is [Responder.LoginURL] with what the problem asks of the sign-in.
func (r *Responder) LoginURLFor(req *http.Request, p *problem.Problem) string {
	return r.loginURLTo(req, p, ReturnURL(req.URL.RequestURI()))
}

// loginURLTo is LoginURLFor with the way back as it was checked before.
func (r *Responder) loginURLTo(req *http.Request, p *problem.Problem, to string) string {
	to = "?return_to=" + url.QueryEscape(to) + inLanguage(req)
	ask := p.SignIn.Query()
	if ask == "" {
		return r.o.Site.LoginPage + to
	}
	return r.loginPath(p) + to + "&" + ask
}

// inLanguage goes on in the language that the request asked for.
func inLanguage(req *http.Request) string {
	if l := UILocales(req); l != "" {
		return "&" + uiLocales + "=" + url.QueryEscape(l)
	}
	return ""
}

// loginPath is the page to sign in on: where a provider has pages of its own, our
// endpoint that leads there.
func (r *Responder) loginPath(p *problem.Problem) string {
	if p.SignIn.Provider != "" && r.RedirectProvider(p.SignIn.Provider) != "" {
		return r.o.Site.Prefix + "/login"
	}
	return r.o.Site.LoginPage
}

// RedirectProvider returns the provider whose own page a sign-in goes to, or "" for our login
// page: the named one, or with no name the only one there is.
func (r *Responder) RedirectProvider(named string) string {
	names := r.o.Providers.RedirectProviders()
	switch {
	case slices.Contains(names, named):
		return named
	case named == "" && len(names) == 1 && len(r.o.Providers.PasswordProviders()) == 0:
		return names[0]
	}
	return ""
}
