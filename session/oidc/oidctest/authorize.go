package oidctest

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const ssoCookie = "op_session"

var page = template.Must(template.New("page").Parse(`<!doctype html><meta charset="utf-8"><title>Provider</title>
<h1>{{.Title}}</h1><a id="go" href="{{.Next}}">{{.Label}}</a>`))

// authorize signs the user in and answers with a code (OpenID Connect Core §3.1.2).
func (a *authorization) authorize(w http.ResponseWriter, r *http.Request) {
	q, b := r.URL.Query(), a.now()
	a.mu.Lock()
	known := slices.Contains(a.client.redirects, q.Get("redirect_uri"))
	a.mu.Unlock()
	if q.Get("client_id") != ClientID || !known || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "bad authorization request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	if a.fails(b) {
		detail := b.AuthDetail
		if detail == "" {
			detail = "<script>alert(1)</script>"
		}
		a.answer(w, r, url.Values{"error": {b.AuthError}, "error_description": {detail}})
		return
	}
	l := a.signedIn(r)
	prompt := strings.Fields(q.Get("prompt"))
	fresh := l == nil || slices.Contains(prompt, "login")
	switch {
	case slices.Contains(prompt, "none") && l == nil:
		a.answer(w, r, url.Values{"error": {"login_required"}})
		return
	case b.Click && fresh && q.Get("clicked") == "":
		q.Set("clicked", "yes")
		_ = page.Execute(w, map[string]string{"Title": "Sign in", "Next": "/authorize?" + q.Encode(), "Label": "Sign in as " + subject(b)})
		return
	case fresh:
		l = a.signIn(w, b)
	}
	a.answer(w, r, a.code(q, b, l))
}

// fails reports whether the answer is AuthError, and counts it.
func (a *authorization) fails(b Behaviour) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.AuthError == "" || b.AuthErrors < 0 {
		return false
	}
	if a.behaviour.AuthErrors > 0 {
		if a.behaviour.AuthErrors--; a.behaviour.AuthErrors == 0 {
			a.behaviour.AuthErrors = -1
		}
	}
	return true
}

func subject(b Behaviour) string {
	if b.Subject == "" {
		return "ada"
	}
	return b.Subject
}

func (a *authorization) signedIn(r *http.Request) *login {
	c, err := r.Cookie(ssoCookie)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sessions[c.Value]
}

func (a *authorization) signIn(w http.ResponseWriter, b Behaviour) *login {
	l := &login{sid: rand.Text(), subject: subject(b), at: time.Now().Add(-b.OldSignIn)}
	value := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: ssoCookie, Value: value, Path: "/", HttpOnly: true})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions[value] = l
	return l
}

func (a *authorization) code(q url.Values, b Behaviour, l *login) url.Values {
	if b.LoseCode {
		return url.Values{}
	}
	code := rand.Text()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codes[code] = &grant{
		login: l, nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), redirectURI: q.Get("redirect_uri"), scope: q.Get("scope"),
	}
	return url.Values{"code": {code}}
}

// answer redirects back (RFC 6749 §4.1.2, RFC 9207).
func (a *authorization) answer(w http.ResponseWriter, r *http.Request, values url.Values) {
	q := r.URL.Query()
	values.Set("state", q.Get("state"))
	iss := a.Issuer()
	if other := a.now().AnswerIss; other != nil {
		iss = *other
	}
	if iss != "" {
		values.Set("iss", iss)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+values.Encode(), http.StatusSeeOther) //nolint:gosec // G710: it is registered
}

// logout is the page of RP-Initiated Logout.
func (a *authorization) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.mu.Lock()
	known := slices.Contains(a.client.postLogout, q.Get("post_logout_redirect_uri"))
	if c, err := r.Cookie(ssoCookie); err == nil {
		delete(a.sessions, c.Value)
	}
	a.mu.Unlock()
	if !known {
		http.Error(w, "unknown post_logout_redirect_uri", http.StatusBadRequest)
		return
	}
	next := q.Get("post_logout_redirect_uri") + "?" + url.Values{"state": {q.Get("state")}}.Encode()
	if a.now().Click {
		_ = page.Execute(w, map[string]string{"Title": "Sign out", "Next": next, "Label": "Go back"})
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // G710: it is registered
}
