package tokenapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

func TestLogin(t *testing.T) {
	access := jwt(ada())
	a := newAPI(t, say(200, pair(access, "refresh-1")))
	p := a.provider(t, func(o *tokenapi.Options) { o.Headers = http.Header{"Apikey": {"k"}} })
	g, err := p.Login(t.Context(), credentials())
	if err != nil {
		t.Fatal(err)
	}
	want := session.Identity{
		Subject: "u1", Name: "Ada", Provider: "api", Roles: []string{"user"}, Scopes: []string{"read", "write"},
		Claims: json.RawMessage(`{"email":"ada@example.com"}`), AuthTime: now,
	}
	if !reflect.DeepEqual(g.Identity, want) {
		t.Errorf("identity %+v, want %+v", g.Identity, want)
	}
	if g.Tokens.Access.Reveal() != access || g.Tokens.Refresh.Reveal() != "refresh-1" || g.Lifetime != 15*time.Minute {
		t.Errorf("tokens or lifetime (%v) are wrong", g.Lifetime)
	}
	r := a.last(t)
	if r.method != "POST" || r.uri != "/login" || r.body != `{"password":"lovelace","username":"ada"}` {
		t.Errorf("asked %s %s %s", r.method, r.uri, r.body)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json", "X-Forwarded-For": "203.0.113.9", "Apikey": "k",
		"Cookie": "", "Authorization": "",
	} {
		if r.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, r.header.Get(name), value)
		}
	}
}

// What an answer to a login means.
func TestLoginAnswers(t *testing.T) {
	missing := `{"detail":[{"loc":["body","username"],"msg":"field required","type":"value_error.missing"}]}`
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   string
		retry  time.Duration
	}{
		"wrong password":       {say(401, `{"detail":"no"}`), "invalid credentials", 0},
		"400":                  {say(400, `{"error":"invalid_grant"}`), "invalid credentials", 0},
		"disabled":             {say(403, ``), "invalid credentials", 0},
		"not an email":         {say(422, `{"detail":[{"loc":["body","username"],"type":"value_error.email"}]}`), "invalid credentials", 0},
		"field names misfit":   {say(422, missing), "misconfigured", 0},
		"pydantic 2 misfit":    {say(422, `{"detail":[{"type":"missing"}]}`), "misconfigured", 0},
		"client refused":       {say(401, `{"error":"invalid_client"}`), "misconfigured", 0},
		"no such path":         {say(404, `not json`), "misconfigured", 0},
		"redirect":             {redirect(307, "/login/"), "misconfigured", 0},
		"redirect 302":         {redirect(302, "/"), "misconfigured", 0},
		"broken":               {say(500, `{"error":"invalid_grant"}`), "fault", 0},
		"busy":                 {after(503, "17"), "fault", 17 * time.Second},
		"limited":              {after(429, "Sat, 21 Nov 2026 12:00:30 GMT"), "rate limited", 30 * time.Second},
		"limited for ever":     {after(429, "999999999"), "rate limited", 5 * time.Minute},
		"limited in the past":  {after(429, "Sat, 21 Nov 2026 11:00:30 GMT"), "rate limited", 30 * time.Second},
		"limited nonsense":     {after(429, "soon"), "rate limited", 30 * time.Second},
		"no token":             {say(200, `{"ok":true}`), "misconfigured", 0},
		"not json":             {say(200, `<html>`), "misconfigured", 0},
		"two documents":        {say(200, pair(jwt(ada()), "r")+"{}"), "misconfigured", 0},
		"token is a number":    {say(200, `{"access_token":{"a":1}}`), "misconfigured", 0},
		"token with a newline": {say(200, `{"access_token":"a\nb"}`), "misconfigured", 0},
		"token too long":       {say(200, pair(strings.Repeat("a", 20<<10), "r")), "misconfigured", 0},
		"refresh with blanks":  {say(200, pair(jwt(ada()), "a b")), "misconfigured", 0},
		"opaque token":         {say(200, pair("opaque", "r")), "misconfigured", 0},
		"no subject":           {say(200, pair(jwt(map[string]any{"name": "Ada"}), "r")), "misconfigured", 0},
		"subject is a list":    {say(200, pair(jwt(map[string]any{"sub": []string{"x"}}), "r")), "misconfigured", 0},
		"too large":            {say(200, `{"access_token":"`+jwt(ada())+`","x":"`+strings.Repeat("x", 1<<20)+`"}`), "misconfigured", 0},
		"cut short":            {cutShort, "fault", 0},
		"hangs up":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "fault", 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, row.answer)
			_, err := a.provider(t, func(o *tokenapi.Options) { o.Logout.URL = "" }).Login(t.Context(), credentials())
			if kind(err) != row.want || retryAfter(err) != row.retry {
				t.Errorf("%s, retry after %v (%v); want %s, %v", kind(err), retryAfter(err), err, row.want, row.retry)
			}
			if a.count() != 1 {
				t.Errorf("%d requests", a.count())
			}
			for _, secret := range []string{"lovelace", "eyJ", a.URL} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error says too much: %v", err)
				}
			}
		})
	}
}

func redirect(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
}

func after(status int, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value)
		w.WriteHeader(status)
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"access_token":`)
}

func cutShort401(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{}`)
}

// What an answer to a refresh means: only a clear no ends a session.
func TestRefreshAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		answer  http.HandlerFunc
		refused []int
		want    string
	}{
		"ok":                     {say(200, pair(jwt(ada()), "refresh-2")), nil, "ok"},
		"no":                     {say(401, `{}`), nil, "provider_refused"},
		"no in one word":         {say(401, `"expired"`), nil, "provider_refused"},
		"no without a word":      {say(401, ``), nil, "doubt"},
		"a proxy's 401":          {say(401, `<h1>Sign in</h1>`), nil, "doubt"},
		"a proxy's status":       {say(401, `401`), nil, "doubt"},
		"401 cut short":          {cutShort401, nil, "doubt"},
		"a proxy's 403":          {say(403, `<h1>WAF</h1>`), []int{401, 403}, "doubt"},
		"unlisted, no word":      {say(403, ``), nil, "doubt"},
		"invalid_grant":          {say(400, `{"error":"invalid_grant"}`), nil, "provider_refused"},
		"another 400":            {say(400, `{"error":"invalid_request"}`), nil, "doubt"},
		"access_denied":          {say(400, `{"error":"access_denied"}`), nil, "provider_refused"},
		"interaction_required":   {say(400, `{"error":"interaction_required"}`), nil, "provider_refused"},
		"409":                    {say(409, `{}`), nil, "doubt"},
		"410":                    {say(410, `{}`), nil, "doubt"},
		"415":                    {say(415, `{}`), nil, "misconfigured"},
		"400 with a nested text": {say(400, `{"detail":"invalid_grant"}`), nil, "doubt"},
		"403":                    {say(403, `{}`), nil, "doubt"},
		"403 by configuration":   {say(403, `{}`), []int{403}, "provider_refused"},
		"401 not by then":        {say(401, `{}`), []int{403}, "doubt"},
		"402":                    {say(402, `{}`), nil, "doubt"},
		"431":                    {say(431, ``), nil, "doubt"},
		"408":                    {say(408, `{}`), nil, "fault"},
		"425":                    {say(425, `{}`), nil, "fault"},
		"405":                    {say(405, `{}`), nil, "misconfigured"},
		"422":                    {say(422, `{}`), nil, "doubt"},
		"client refused":         {say(401, `{"error":"invalid_client"}`), nil, "misconfigured"},
		"404":                    {say(404, ``), nil, "misconfigured"},
		"redirect to a login":    {redirect(302, "/login"), nil, "misconfigured"},
		"429":                    {after(429, "5"), nil, "fault"},
		"500":                    {say(500, ``), nil, "fault"},
		"no token":               {say(200, `{}`), nil, "misconfigured"},
		"hangs up":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "fault"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, row.answer)
			p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.Refused = row.refused })
			if _, err := p.Refresh(t.Context(), held()); kind(err) != row.want {
				t.Errorf("%s (%v), want %s", kind(err), err, row.want)
			}
			if r := a.last(t); a.count() != 1 || r.body != `{"refresh_token":"refresh-1"}` || r.header.Get("Authorization") != "" {
				t.Errorf("%d requests, last %+v", a.count(), r)
			}
		})
	}
}

// A refresh brings roles up to date, and never throws new tokens away because of what stands beside
// them.
func TestRefreshIdentity(t *testing.T) {
	admin, other, nobody := ada(), ada(), ada()
	admin["role"], other["sub"] = []any{"user", "admin"}, "u2"
	delete(nobody, "sub")
	for name, row := range map[string]struct {
		reply         string
		subject, role string
	}{
		"promoted":           {pair(jwt(admin), "r2"), "u1", "[user admin]"},
		"somebody else":      {pair(jwt(other), "r2"), "u2", "[user]"},
		"no subject":         {pair(jwt(nobody), "r2"), "u1", "[user]"},
		"opaque":             {pair("opaque", "r2"), "u1", "[user]"},
		"no rotation":        {fmt.Sprintf(`{"access_token":%q}`, jwt(ada())), "u1", "[user]"},
		"expires_in no good": {fmt.Sprintf(`{"access_token":%q,"refresh_token":"r2","expires_in":"soon"}`, jwt(ada())), "u1", "[user]"},
	} {
		a := newAPI(t, say(200, row.reply))
		g, err := a.provider(t, nil).Refresh(t.Context(), held())
		if err != nil || g.Identity.Subject != row.subject || fmt.Sprint(g.Identity.Roles) != row.role ||
			!g.Identity.AuthTime.Equal(now.Add(-time.Hour)) || g.Tokens.Access == "" {
			t.Errorf("%s: %+v, %v", name, g.Identity, err)
		}
	}
}

// A session without a refresh token lives as long as its access token, and no refresh before that
// ends it.
func TestNoRefreshToken(t *testing.T) {
	a := newAPI(t, say(500, ""))
	none := a.provider(t, func(o *tokenapi.Options) { o.Refresh.URL = "" })
	unused := a.provider(t, nil)
	for name, p := range map[string]*tokenapi.Provider{"no endpoint": none, "no token": unused} {
		r := held()
		r.Tokens.Refresh = ""
		g, err := p.Refresh(t.Context(), r)
		if err != nil || !reflect.DeepEqual(g.Tokens, r.Tokens) || g.Lifetime != time.Minute || g.Identity.Subject != "u1" {
			t.Errorf("%s, before it expires: %+v %v", name, g, err)
		}
		r.Expires = now
		if _, err := p.Refresh(t.Context(), r); kind(err) != "provider_refused" {
			t.Errorf("%s, after it expired: %v", name, err)
		}
	}
	if a.count() != 0 {
		t.Error("the API was asked")
	}
}

// Where only a live token can be refreshed, that is done from half its life on, and a dead one ends
// the session without a call.
func TestOnlyALiveTokenIsRefreshed(t *testing.T) {
	a := newAPI(t, say(200, pair(jwt(ada()), "r2")))
	p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.NeedsLive = true })
	g, err := p.Login(t.Context(), credentials())
	if err != nil || g.Schedule(0).Soft > 9*time.Minute {
		t.Errorf("%v %v", g.Schedule(0), err)
	}
	r := held()
	r.Expires = now.Add(2 * time.Second)
	if g, err = p.Refresh(t.Context(), r); err != nil || g.Schedule(0).Soft > 9*time.Minute || a.count() != 2 {
		t.Errorf("%v %v", g.Schedule(0), err)
	}
	r.Expires = now.Add(time.Second)
	if _, err := p.Refresh(t.Context(), r); kind(err) != "provider_refused" || a.count() != 2 {
		t.Errorf("%v, asked %d times", err, a.count())
	}
}

func TestRevoke(t *testing.T) {
	for status, ok := range map[int]bool{200: true, 204: true, 401: true, 302: false, 404: true, 410: true, 429: false, 500: false} {
		a := newAPI(t, say(status, ""))
		err := a.provider(t, nil).Revoke(t.Context(), held().Tokens)
		if (err == nil) != ok {
			t.Errorf("%d: %v", status, err)
		}
		if r := a.last(t); r.uri != "/logout" || r.body != `{"refresh_token":"refresh-1"}` {
			t.Errorf("%d: asked %+v", status, r)
		}
	}
	a := newAPI(t, say(500, ""))
	for name, change := range map[string]func(*tokenapi.Options){
		"no endpoint": func(o *tokenapi.Options) { o.Logout.URL = "" },
		"no token":    nil,
	} {
		if err := a.provider(t, change).Revoke(t.Context(), session.Tokens{Access: "a"}); err != nil || a.count() != 0 {
			t.Errorf("%s: %v, %d requests", name, err, a.count())
		}
	}
}

// Tokens that no session will hold are given back.
func TestLoginThatFailsLateRevokes(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			_, _ = io.WriteString(w, pair("opaque", "refresh-9"))
		}
	})
	if _, err := a.provider(t, nil).Login(t.Context(), credentials()); kind(err) != "misconfigured" {
		t.Fatal(err)
	}
	if r := a.last(t); r.uri != "/logout" || r.body != `{"refresh_token":"refresh-9"}` {
		t.Errorf("last asked %+v", r)
	}
}

// The call ends with its timeout, and with its context.
func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	a := newAPI(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	p := a.provider(t, func(o *tokenapi.Options) { o.Timeout = 20 * time.Millisecond })
	if _, err := p.Refresh(t.Context(), held()); kind(err) != "fault" {
		t.Errorf("timeout: %v", err)
	}
	if p.Timeout() != 20*time.Millisecond {
		t.Errorf("Timeout() = %v", p.Timeout())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.provider(t, nil).Login(ctx, credentials()); kind(err) != "fault" {
		t.Errorf("cancelled: %v", err)
	}
}

// A redirect is not followed, least of all with the password.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := newAPI(t, say(200, pair(jwt(ada()), "r")))
	for _, status := range []int{301, 302, 303, 307, 308} {
		a := newAPI(t, redirect(status, elsewhere.URL+"/login"))
		if _, err := a.provider(t, nil).Login(t.Context(), credentials()); kind(err) != "misconfigured" {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere.count() != 0 {
		t.Error("a redirect was followed")
	}
}

// Cookies the API sets are not kept between calls.
func TestNoCookieJar(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "x"})
		_, _ = io.WriteString(w, pair(jwt(ada()), "r"))
	})
	p := a.provider(t, nil)
	for range 2 {
		if _, err := p.Login(t.Context(), credentials()); err != nil {
			t.Fatal(err)
		}
	}
	if c := a.last(t).header.Get("Cookie"); c != "" {
		t.Errorf("Cookie: %s", c)
	}
}

// https works with the operator's own authority, and not without.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(say(200, pair(jwt(ada()), "r")))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	a := &api{}
	a.Server = server
	if _, err := a.provider(t, nil).Login(t.Context(), credentials()); kind(err) != "fault" {
		t.Errorf("unknown authority: %v", err)
	}
	trusting := a.provider(t, func(o *tokenapi.Options) {
		o.TLS = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		o.TLS.ServerName = "example.com"
	})
	if _, err := trusting.Login(t.Context(), credentials()); err != nil {
		t.Errorf("trusted: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*tokenapi.Options)
		want   string
	}{
		"no name":          {func(o *tokenapi.Options) { o.Name = "" }, "name"},
		"no login":         {func(o *tokenapi.Options) { o.Login.URL = "" }, "login is required"},
		"bad URL":          {func(o *tokenapi.Options) { o.Login.URL = "ftp://x" }, "login: the URL"},
		"password in URL":  {func(o *tokenapi.Options) { o.Refresh.URL = "http://u:p@x/" }, "refresh: the URL has a user name"},
		"method":           {func(o *tokenapi.Options) { o.Login.Method = "post" }, "upper case"},
		"encoding":         {func(o *tokenapi.Options) { o.Login.Encoding = "xml" }, "encoding"},
		"429 refused":      {func(o *tokenapi.Options) { o.Refresh.Refused = []int{429} }, "429 cannot mean refused"},
		"500 refused":      {func(o *tokenapi.Options) { o.Login.Refused = []int{500} }, "500 cannot mean refused"},
		"GET with a body":  {func(o *tokenapi.Options) { o.Login.Method = "GET" }, "a GET has no body"},
		"unknown value":    {func(o *tokenapi.Options) { o.Login.Body = `{"a":"{{token}}"}` }, "{{ must be followed by"},
		"wrong value":      {func(o *tokenapi.Options) { o.Refresh.Body = `{"a":"{{password}}"}` }, "{{ must be followed by"},
		"value as a name":  {func(o *tokenapi.Options) { o.Login.Body = `{"{{username}}":1}` }, "name of a field"},
		"body not JSON":    {func(o *tokenapi.Options) { o.Login.Body = `{"a":{{username}}}` }, "not a JSON document"},
		"body and field":   {func(o *tokenapi.Options) { o.Login.Body = `{}`; o.Login.Username = "u" }, "not both"},
		"password carried": {func(o *tokenapi.Options) { o.Login.Password = "header:X-Password" }, "only be a field"},
		"token at login":   {func(o *tokenapi.Options) { o.Login.RefreshToken = "x" }, "not sent there"},
		"field twice":      {func(o *tokenapi.Options) { o.Login.Username = "a"; o.Login.Password = "a.b" }, "two values"},
		"same field":       {func(o *tokenapi.Options) { o.Login.Username = "a"; o.Login.Password = "a" }, "two values"},
		"empty segment":    {func(o *tokenapi.Options) { o.Reply.AccessToken = []string{"a..b"} }, "a dot without a name"},
		"deep field":       {func(o *tokenapi.Options) { o.Identity.Roles = []string{strings.Repeat("a.", 20) + "a"} }, "more than 16"},
		"framing header":   {func(o *tokenapi.Options) { o.Refresh.RefreshToken = "header:Host" }, "not a header"},
		"bad cookie":       {func(o *tokenapi.Options) { o.Refresh.RefreshToken = "cookie:a b" }, "not the name of a cookie"},
		"extra header":     {func(o *tokenapi.Options) { o.Headers = http.Header{"Content-Length": {"1"}} }, "headers:"},
		"me without URL":   {func(o *tokenapi.Options) { o.Identity.From = tokenapi.FromMe }, "needs the URL of me"},
		"unknown source":   {func(o *tokenapi.Options) { o.Identity.From = "x" }, "token, reply or me"},
		"two keys":         {func(o *tokenapi.Options) { o.Verify = &tokenapi.Verification{Key: []byte("k"), JWKS: "http://x/"} }, "either a key"},
		"no password":      {func(o *tokenapi.Options) { o.Login.Body = `{"u":"{{username}}","p":"fixed"}` }, "no place for"},
		"no token":         {func(o *tokenapi.Options) { o.Refresh.Body = `{"grant":"refresh"}` }, "refresh: the request has no place for"},
		"same header":      {func(o *tokenapi.Options) { o.Logout.RefreshToken = "header:X"; o.Logout.AccessToken = "header:x" }, "same place"},
		"unknown meaning":  {func(o *tokenapi.Options) { o.Refresh.Answers = []string{"refuse: 401"} }, `refresh: answers: "refuse: 401": there is no meaning "refuse"`},
		"login's meaning":  {func(o *tokenapi.Options) { o.Refresh.Answers = []string{"mfa_required: 401"} }, "answer to a login alone"},
		"no condition":     {func(o *tokenapi.Options) { o.Login.Answers = []string{"ok:"} }, "there is no condition"},
		"extra of ours":    {func(o *tokenapi.Options) { o.Login.Extra = []string{"return_to"} }, "a field of the gateway's own"},
		"extra with a dot": {func(o *tokenapi.Options) { o.Login.Extra = []string{"a.b"} }, "a name has letters"},
		"extra twice":      {func(o *tokenapi.Options) { o.Login.Extra = []string{"otp", "otp"} }, "named twice"},
		"many extras":      {func(o *tokenapi.Options) { o.Login.Extra = make([]string, 17) }, "more than 16"},
		"relayed token":    {func(o *tokenapi.Options) { o.Login.Relay = []string{"access_token"} }, "finds a token"},
		"relayed and kept": {func(o *tokenapi.Options) { o.Login.Relay = []string{"x"}; o.Keep = []string{"y: x"} }, "finds a token"},
		"relayed header":   {func(o *tokenapi.Options) { o.Login.Relay = []string{"header:X"} }, "name a field of the answer"},
		"relayed names":    {func(o *tokenapi.Options) { o.Login.Relay = []string{"a.x", "b.x"} }, `two fields have the name "x"`},
		"relayed star":     {func(o *tokenapi.Options) { o.Login.Relay = []string{"a.*"} }, "name a field"},
		"private key": {func(o *tokenapi.Options) {
			o.Verify = &tokenapi.Verification{Key: []byte("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n")}
		}, "PUBLIC KEY"},
	} {
		o := (&api{Server: &httptest.Server{URL: "http://api"}}).options()
		row.change(&o)
		if _, err := tokenapi.New(o); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q in it", name, err, row.want)
		}
	}
}
