package tokenapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"sessiongate/session"
)

// deadToken sends a refresh token that can be good no more, once, and reports what it gets: sessions
// end by that answer. first is the token of the login; gone says that the API took a logout.
func (t *trial) deadToken(ctx context.Context, first session.Secret, gone bool) {
	e, tokens := t.p.endpoints.refresh, t.grant.Tokens
	which := " to the refresh token that the logout gave back"
	switch {
	case e == nil || !e.needs(refreshToken) || tokens.Refresh == "":
		return
	case gone:
	case tokens.Refresh != first:
		tokens.Refresh, which = first, " to the refresh token that the login gave, which was replaced"
	default:
		return // none is dead
	}
	grant, err := t.spend(ctx, tokens)
	calls := t.calls.take()
	if len(calls) == 0 || calls[0].err != nil {
		return // nothing is known
	}
	r := calls[0].reply
	r.what = "refresh"
	says := "answers " + statusText(r.status) + which
	if err == nil {
		t.p.discard(ctx, grant.Tokens)
		t.step("refresh", false, says+": the API still takes it, and whoever has a copy of it can go on")
		return
	}
	failed, text := t.deadText(r, err)
	t.step("refresh", failed, says+text)
}

// deadText judges the answer to a token that is dead.
func (t *trial) deadText(r *reply, err error) (failed bool, text string) {
	x := &probe{endpoint: t.p.endpoints.refresh, configured: t.p.options.Refresh, reply: r}
	stays := ": its session gets 503 and does not end. Write "
	var fault *session.FaultError
	if errors.As(err, &fault) && fault.Doubt {
		stays = ": its session gets 503 until the doubt is settled. Write "
	}
	line := `refresh: {answers: ["refused: ` + statusText(r.status) + r.wordField() + `"]}`
	var no *session.RefusedError
	switch {
	case errors.As(err, &no):
		return false, ": refused, and its session ends"
	case x.meaning() == MeansFault:
		return false, ", which a line of answers calls a fault: its session gets 503 and does not end"
	case r.status < 300:
		doc, _ := r.json() // nil has no fields
		return true, " and no token" + stays + `refresh: {answers: ["ok: FIELD=0", "refused: FIELD=CODE"]}; it has ` + strings.Join(codeFields(doc), ", ")
	case slices.Contains(x.refused, r.status):
		return false, " without JSON, as a proxy might: its session ends the second time, if others are refreshed meanwhile. " +
			"Where no proxy says so, write " + line
	case x.unlisted():
		return true, ", which refresh.refused does not list" + stays + x.listed()
	case r.status >= 400 && r.status < 500 && r.status != http.StatusRequestTimeout && r.status != http.StatusTooManyRequests:
		return true, stays + line
	}
	return false, ", which is neither yes nor no: its session gets 503 until the API says 401"
}

// spend refreshes with the tokens as a session does.
func (t *trial) spend(ctx context.Context, tokens session.Tokens) (session.Grant, error) {
	now := t.p.options.Now()
	return t.p.Refresh(ctx, session.Refresh{
		Identity: t.grant.Identity, Tokens: tokens, Now: now,
		Expires: now.Add(t.grant.Lifetime), Absolute: now.Add(trialLifetime),
	})
}
