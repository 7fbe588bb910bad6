package tokenapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

// Step is one part of a trial. It is for people: it has names, places and types, and no value of an
// answer or of the credentials.
type Step struct {
	Name   string // login, identity, refresh or logout
	Failed bool
	Text   string   // what the API answered, and what it means
	Lines  []string // what was read of the answer, or what it has instead, and what to write
}

// Try makes a whole round with one user: login, identity, two refreshes, so that a refresh token
// which can be used once only shows, logout, and a refresh with a token that is dead then, whose
// answer is what ends sessions. It calls what sign-ins and refreshes call, and stops at the first
// step that fails; tokens that it holds then are given back. c.Now is not used. The error is about
// the request alone.
func (p *Provider) Try(ctx context.Context, c session.Credentials) ([]Step, error) {
	for name := range c.Extra {
		if !slices.Contains(p.options.Login.Extra, name) {
			return nil, fmt.Errorf("login.extra does not have %s: write login: {extra: [%s]}, and a line of login.send that uses it", name, name)
		}
	}
	again, err := New(p.options) // a client of its own, to listen to
	if err != nil {
		return nil, err
	}
	t := &trial{p: again, calls: &recorder{next: again.client.http.Transport}, typed: c}
	again.client.http.Transport = t.calls
	t.run(ctx)
	return t.scrubbed(), nil
}

// trialLifetime is that of the session which a trial plays.
const trialLifetime = 24 * time.Hour

// trial is one run of Try.
type trial struct {
	p     *Provider
	calls *recorder
	typed session.Credentials
	steps []Step
	grant session.Grant // what a session would hold now
	given place         // where the answer to the login had the refresh token
}

func (t *trial) run(ctx context.Context) {
	if !t.login(ctx) {
		return
	}
	first := t.grant.Tokens.Refresh
	ok := t.refresh(ctx, first)
	if ok && len(t.steps) > 0 && t.steps[len(t.steps)-1].Name == "refresh" && t.p.endpoints.refresh != nil {
		ok = t.refresh(ctx, first)
	}
	if !ok {
		t.p.discard(ctx, t.grant.Tokens)
		return
	}
	t.deadToken(ctx, first, t.logout(ctx))
}

func (t *trial) step(name string, failed bool, text string, lines ...string) {
	t.steps = append(t.steps, Step{name, failed, text, lines})
}

// login signs in, and reports who that is.
func (t *trial) login(ctx context.Context) bool {
	c := t.typed
	c.Now = t.p.options.Now()
	grant, err := t.p.Login(ctx, c)
	calls := t.calls.take()
	if len(calls) == 0 || calls[0].err != nil {
		t.step("login", true, unanswered(calls, err, t.p.endpoints.login))
		return false
	}
	r := calls[0].reply
	r.what = "login"
	text, lines := t.noLogin(ctx, r, err)
	if text != "" {
		t.step("login", true, text, lines...)
		return false
	}
	t.given = placeOf(r, t.p.tokens.sources.refresh)
	t.step("login", false, "answers "+statusText(r.status), t.tokenLines(r, c.Now)...)
	return t.identity(calls, grant, err)
}

// noLogin says why an answer gave no tokens; an empty text if it did.
func (t *trial) noLogin(ctx context.Context, r *reply, err error) (text string, lines []string) {
	says := "answers " + statusText(r.status)
	var step *session.StepRequiredError
	var limited *session.RateLimitedError
	var refused *session.CredentialsError
	switch {
	case errors.As(err, &step):
		for name := range step.Step {
			lines = append(lines, "it tells about that: "+safeName(name))
		}
		slices.Sort(lines)
		return says + ": a further step is required. Repeat with --extra NAME=VALUE, where NAME is one of login.extra", lines
	case errors.As(err, &limited):
		return says + ": the API takes no more sign-ins at the moment", nil
	case errors.As(err, &refused) && refused.Reason != "":
		return says + ": refused, " + string(refused.Reason), nil
	case errors.Is(err, session.ErrInvalidCredentials):
		return says + ": refused. Is that a user of this API, and the password right? Else the login wants more fields: " +
			"see login.username, login.send and login.extra", fieldLines("the answer has", r)
	}
	access := session.Secret(r.first(t.p.tokens.sources.access))
	switch {
	case err != nil && (r.status < 200 || r.status >= 300):
		return t.advice(ctx, r, t.p.options.Login), fieldLines("the answer has", r)
	case access == "" && r.isHTML():
		return says + " with an HTML page: " + siteQuestion, nil
	case access == "":
		return says + ", and there is no access token at " + strings.Join(t.p.options.Reply.AccessToken, ", "), tokenAdvice(r, accessToken)
	case !fit(access) || !fit(session.Secret(r.first(t.p.tokens.sources.refresh))):
		return says + ", and a token is longer than 16 KiB or not visible ASCII: is it the right place?", t.tokenLines(r, t.p.options.Now())
	}
	return "", nil
}

// advice is what check says of such an answer.
func (t *trial) advice(ctx context.Context, r *reply, configured Endpoint) string {
	s := newSurvey(t.p)
	for _, e := range s.endpoints {
		if e.what != r.what {
			continue
		}
		x := &probe{endpoint: e, configured: configured, filled: true, reply: r}
		s.lookBeside(ctx, x)
		t.calls.take()
		if found := s.findings(x); len(found) > 0 {
			return found[0].Text
		}
	}
	return "answers " + statusText(r.status)
}

// identity reports who the tokens of a login belong to.
func (t *trial) identity(calls []exchange, grant session.Grant, err error) bool {
	from := t.p.options.Identity.From
	doc, where := t.described(calls)
	var lines []string
	if line := replyIdentity(calls[0].reply, from, grant.Identity); line != "" {
		lines = []string{line}
	}
	if err != nil {
		text := plainText(err)
		t.step("identity", true, "from "+where+": "+text, append(lines, identityAdvice(doc, from)...)...)
		return false
	}
	t.grant = grant
	t.step("identity", false, "from "+where, append(t.identityLines(doc, grant.Identity), lines...)...)
	return true
}

// described returns the document that describes the user, nil where there is none, and its name.
func (t *trial) described(calls []exchange) (doc any, where string) {
	switch t.p.options.Identity.From {
	case FromReply:
		doc, _ = calls[0].reply.json()
		return doc, "the login's answer"
	case FromMe:
		for _, c := range calls[1:] {
			if c.at == origin(t.p.endpoints.me.url)+t.p.endpoints.me.url.Path && c.reply != nil {
				doc, _ = c.reply.json()
				return doc, "me, which answers " + statusText(c.reply.status)
			}
		}
		return nil, "me, which does not answer"
	case FromToken:
	}
	if claims, ok := readClaims(calls[0].reply.first(t.p.tokens.sources.access)); ok {
		doc = claims
	}
	return doc, "the access token"
}

// refresh spends the refresh token once. first is the one that the login gave.
func (t *trial) refresh(ctx context.Context, first session.Secret) bool {
	if t.p.endpoints.refresh == nil {
		t.step("refresh", false, "is not configured: a session ends with its access token, after "+span(t.grant.Lifetime))
		return true
	}
	now := t.p.options.Now()
	grant, err := t.spend(ctx, t.grant.Tokens)
	calls := t.calls.take()
	switch {
	case len(calls) == 0 && err == nil:
		t.step("refresh", true, "is not called: the login gave no token for it. A session ends with its access token, after "+
			span(t.grant.Lifetime)+"; write refresh: {path: \"\"} if that is right, else reply: {refresh_token: …} with its place")
		return false
	case len(calls) == 0 || calls[0].err != nil:
		t.step("refresh", true, unanswered(calls, err, t.p.endpoints.refresh))
		return false
	}
	r := calls[0].reply
	r.what = "refresh"
	if err != nil {
		t.noRefresh(ctx, r, err, first)
		return false
	}
	t.step("refresh", false, "answers "+statusText(r.status), append(t.tokenLines(r, now), t.rotation(grant))...)
	if grant.Tokens.Refresh == "" { // as package refresh has it
		grant.Tokens.Refresh = t.grant.Tokens.Refresh
	}
	t.grant = grant
	return true
}

// noRefresh says why a refresh gave no tokens.
func (t *trial) noRefresh(ctx context.Context, r *reply, err error, first session.Secret) {
	says := "answers " + statusText(r.status)
	second := slices.ContainsFunc(t.steps, func(s Step) bool { return s.Name == "refresh" })
	lines := fieldLines("the answer has", r)
	if !second {
		lines = append(sameName(t.given, "refresh", t.p.options.Refresh), lines...)
	}
	switch {
	case r.status < 300 && r.first(t.p.tokens.sources.access) == "":
		t.step("refresh", true, says+", and there is no access token at "+strings.Join(t.p.options.Reply.AccessToken, ", "), tokenAdvice(r, accessToken)...)
	case second && t.grant.Tokens.Refresh == first:
		t.step("refresh", true, says+" to the second refresh: the token can be used once only, and the first refresh gave no new one at "+
			strings.Join(t.p.options.Reply.RefreshToken, ", ")+": add the place of the new one to reply.refresh_token")
	case r.status >= 300 && t.refused(err):
		t.step("refresh", true, says+": refused, with a token that is seconds old. Is it sent where the API wants it? "+
			"See refresh.refresh_token, refresh.access_token, refresh.body and refresh.send", lines...)
	case r.status >= 300:
		t.step("refresh", true, t.advice(ctx, r, t.p.options.Refresh), lines...)
	default:
		t.step("refresh", true, says+": "+plainText(err))
	}
}

// refused reports whether an error may be about the token.
func (t *trial) refused(err error) bool {
	var no *session.RefusedError
	var f *session.FaultError
	return errors.As(err, &no) || errors.As(err, &f) && f.Doubt
}

// rotation compares the tokens of a refresh with those before it.
func (t *trial) rotation(now session.Grant) string {
	before := t.grant.Tokens
	access := "a new access token"
	if now.Tokens.Access == before.Access {
		access = "the same access token as before"
	}
	switch now.Tokens.Refresh {
	case "":
		return access + ", and no refresh token: the one at hand goes on"
	case before.Refresh:
		return access + ", and the same refresh token"
	}
	return access + ", and a new refresh token"
}

// logout gives the tokens back, and reports whether the API took them.
func (t *trial) logout(ctx context.Context) bool {
	err := t.p.Revoke(ctx, t.grant.Tokens)
	calls := t.calls.take()
	if len(calls) == 0 {
		t.step("logout", t.p.endpoints.logout != nil, map[bool]string{
			true:  "is not configured: at the API, tokens live until they expire",
			false: "is not called: a token that it wants is not there; see logout.refresh_token and logout.access_token",
		}[t.p.endpoints.logout == nil])
		return false
	}
	if calls[0].err != nil {
		t.step("logout", true, unanswered(calls, err, t.p.endpoints.logout))
		return false
	}
	r := calls[0].reply
	r.what = "logout"
	lines := append(sameName(t.given, "logout", t.p.options.Logout), fieldLines("the answer has", r)...)
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		t.step("logout", true, "answers "+statusText(r.status)+" to tokens that are seconds old: nothing is revoked. "+
			"See logout.refresh_token and logout.access_token", lines...)
	case err != nil || r.status >= 300:
		t.step("logout", true, t.advice(ctx, r, t.p.options.Logout), lines...)
	default:
		t.step("logout", false, "answers "+statusText(r.status))
		return true
	}
	return false
}

// unanswered says why a call has no answer.
func unanswered(calls []exchange, err error, e *endpoint) string {
	if len(calls) > 0 {
		return explain(calls[0].err, e.url)
	}
	if err == nil {
		err = errors.New("no reason")
	}
	return "is not sent: " + plainText(err)
}

// plainText is an error of ours without the words for the log around it.
func plainText(err error) string {
	var f *session.FaultError
	if errors.As(err, &f) && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}

// scrubbed takes out whatever a name in an answer might have said of a secret.
func (t *trial) scrubbed() []Step {
	secrets := append(t.calls.secrets(t.p.tokens.sources), t.typed.Password.Reveal())
	for _, v := range t.typed.Extra {
		secrets = append(secrets, fmt.Sprint(v))
	}
	for _, v := range t.grant.Tokens.Keep {
		secrets = append(secrets, v)
	}
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 6 {
			pairs = append(pairs, s, "…")
		}
	}
	clean := strings.NewReplacer(pairs...)
	for i := range t.steps {
		s := &t.steps[i]
		s.Text = clean.Replace(s.Text)
		for j := range s.Lines {
			s.Lines[j] = clean.Replace(s.Lines[j])
		}
	}
	return t.steps
}
