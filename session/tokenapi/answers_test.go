package tokenapi_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// TestAnswersOfLogins: APIs that say by a field what others say by the status, each configured as
// an operator would.
func TestAnswersOfLogins(t *testing.T) {
	tokens := func(before string) string { return strings.Replace(pair(jwt(ada()), "r"), "{", "{"+before+",", 1) }
	always200 := []string{"ok: code=200", "refused: code=500", "account_locked: code=1002*"}
	supabase := []string{"email_not_confirmed: error_code=email_not_confirmed", "account_disabled: error_code=user_banned", "captcha_required: error_code=captcha_failed"}
	graphQL := []string{"refused: errors.0.extensions.code=UNAUTHENTICATED", "fault: errors=*"}
	mfa := []string{"mfa_required: 4xx error=mfa_required", "too_many_attempts: 400 error=slow_down"}
	for name, row := range map[string]struct {
		answers []string
		answer  http.HandlerFunc
		want    string
		retry   time.Duration
	}{
		"always 200, in":               {always200, say(200, tokens(`"code":200`)), "ok", 0},
		"always 200, wrong password":   {always200, say(200, `{"code":500,"msg":"the user name or the password is wrong"}`), "invalid credentials", 0},
		"always 200, locked":           {always200, say(200, `{"code":1002011}`), "account_locked", 0},
		"always 200, a new code":       {always200, say(200, tokens(`"code":601`)), "misconfigured", 0},
		"always 200, not JSON":         {always200, say(200, `<html>`), "misconfigured", 0},
		"always 200, its proxy's 502":  {always200, say(502, `<html>`), "fault", 0},
		"Supabase, not confirmed":      {supabase, say(400, `{"code":400,"error_code":"email_not_confirmed","msg":"Email not confirmed"}`), "email_not_confirmed", 0},
		"Supabase, wrong password":     {supabase, say(400, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`), "invalid credentials", 0},
		"Supabase, banned":             {supabase, say(400, `{"code":400,"error_code":"user_banned"}`), "account_disabled", 0},
		"Supabase, captcha":            {supabase, say(400, `{"code":400,"error_code":"captcha_failed"}`), "captcha_required", 0},
		"GraphQL, wrong password":      {graphQL, say(200, `{"data":null,"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}`), "invalid credentials", 0},
		"GraphQL, broken":              {graphQL, say(200, `{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`), "fault", 0},
		"GraphQL, in":                  {graphQL, say(200, tokens(`"errors":[]`)), "ok", 0},
		"a further step":               {mfa, say(403, `{"error":"mfa_required"}`), "step required", 0},
		"its own word for 429":         {mfa, say(400, `{"error":"slow_down"}`), "rate limited", 30 * time.Second},
		"a 429 that is a fault":        {[]string{"fault: 429"}, after(429, "7"), "fault", 7 * time.Second},
		"a 503 that is none":           {[]string{"password_expired: 503"}, say(503, ``), "password_expired", 0},
		"a 400 that is ok":             {[]string{"ok: 400"}, say(400, tokens(`"a":1`)), "ok", 0},
		"ok without tokens":            {[]string{"ok: 2xx"}, say(200, `{}`), "misconfigured", 0},
		"a refusal that looks for ids": {[]string{"refused: header:X-Reason=*"}, say(400, `{}`), "invalid credentials", 0},
	} {
		a := newAPI(t, row.answer)
		p := a.provider(t, func(o *tokenapi.Options) { o.Login.Answers = row.answers })
		_, err := p.Login(t.Context(), credentials())
		if kind(err) != row.want || retryAfter(err) != row.retry {
			t.Errorf("%s: %s, retry after %v (%v); want %s, %v", name, kind(err), retryAfter(err), err, row.want, row.retry)
		}
		if err != nil && strings.Contains(err.Error(), "password is wrong") {
			t.Errorf("%s: the API's own words: %v", name, err)
		}
	}
}

// TestAnswersOfRefreshes: what ends a session, and what does not.
func TestAnswersOfRefreshes(t *testing.T) {
	always200 := []string{"ok: code=200", "refused: code=401"}
	for name, row := range map[string]struct {
		answers []string
		answer  http.HandlerFunc
		want    string
	}{
		"always 200, dead token":     {always200, say(200, `{"code":401,"msg":"expired"}`), "provider_refused"},
		"always 200, a new code":     {always200, say(200, `{"code":500}`), "misconfigured"},
		"always 200, an HTML 401":    {always200, say(401, `<h1>Sign in</h1>`), "doubt"},
		"empty, as ASP.NET Identity": {[]string{"refused: 401"}, say(401, ``), "provider_refused"},
		"by a field":                 {[]string{"refused: 403 error.status=TOKEN_EXPIRED"}, say(403, `{"error":{"status":"TOKEN_EXPIRED"}}`), "provider_refused"},
		"by another":                 {[]string{"refused: 403 error.status=TOKEN_EXPIRED"}, say(403, `{"error":{"status":"BUSY"}}`), "doubt"},
		"GraphQL":                    {[]string{"refused: errors.0.extensions.code=UNAUTHENTICATED"}, say(200, `{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}`), "provider_refused"},
		"disabled":                   {[]string{"account_disabled: error=disabled"}, say(401, `{"error":"disabled"}`), "user_disabled"},
		"a 401 that is a fault":      {[]string{"fault: 401"}, say(401, `{}`), "fault"},
		"success of its own":         {[]string{"ok: 401"}, say(401, pair(jwt(ada()), "r2")), "ok"},
		"invalid_grant stays":        {[]string{"fault: code=1"}, say(400, `{"error":"invalid_grant"}`), "provider_refused"},
	} {
		a := newAPI(t, row.answer)
		p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.Answers = row.answers })
		if _, err := p.Refresh(t.Context(), held()); kind(err) != row.want {
			t.Errorf("%s: %s (%v), want %s", name, kind(err), err, row.want)
		}
	}
}

// TestRelay: a page gets what is configured, and never a token.
func TestRelay(t *testing.T) {
	long := strings.Repeat("x", 1500)
	for name, row := range map[string]struct {
		body string
		want map[string]any
	}{
		"as it is":        {`{"mfa":true,"data":{"mfa_token":"abc","methods":["otp","sms"],"left":3,"push":false}}`, map[string]any{"mfa_token": "abc", "methods": 2, "left": 1, "push": false}},
		"an object":       {`{"mfa":true,"data":{"mfa_token":{"a":1},"methods":[["otp"]],"left":[{}],"push":null}}`, map[string]any{}},
		"a JWT":           {`{"mfa":true,"data":{"mfa_token":"` + jwt(ada()) + `","methods":["otp","Bearer ` + jwt(ada()) + `"],"left":1}}`, map[string]any{"left": 1}},
		"the token again": {`{"mfa":true,"access_token":"opaque1","refresh_token":"opaque2","data":{"mfa_token":"opaque1","methods":["see opaque2"],"push":true}}`, map[string]any{"push": true}},
		"what is kept":    {`{"mfa":true,"csrf":"opaque3","data":{"mfa_token":"opaque3","left":1}}`, map[string]any{"left": 1}},
		"too long":        {`{"mfa":true,"data":{"mfa_token":"` + long + `","methods":["` + long + `"],"left":7}}`, map[string]any{"mfa_token": long, "left": 1}},
		"nothing":         {`{"mfa":true}`, map[string]any{}},
	} {
		a := newAPI(t, say(401, row.body))
		p := a.provider(t, func(o *tokenapi.Options) {
			o.Login.Answers = []string{"mfa_required: mfa=*"}
			o.Keep = []string{"csrf: csrf"}
			o.Login.Relay = []string{"data.mfa_token", "data.methods", "data.left", "data.push"}
		})
		_, err := p.Login(t.Context(), credentials())
		var step *session.StepRequiredError
		if !errors.As(err, &step) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := make(map[string]any)
		for field, value := range step.Step {
			switch v := value.(type) {
			case string, bool:
				got[field] = v
			case []any:
				got[field] = len(v)
			default: // a number
				got[field] = 1
			}
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}
