package tokenapi_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// now is what the store's clock shows in every test.
var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// api is an API that answers as a test says and remembers what it was asked.
type api struct {
	*httptest.Server
	mu    sync.Mutex
	asked []request
}

type request struct {
	method, uri, body string
	header            http.Header
}

func newAPI(t *testing.T, answer http.HandlerFunc) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.asked = append(a.asked, request{r.Method, r.RequestURI, string(data), r.Header})
		a.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) last(t *testing.T) request {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		t.Fatal("the API was not asked")
	}
	return a.asked[len(a.asked)-1]
}

func (a *api) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// options fit the answers below: /login, /refresh, /logout and a JWT with sub, name and role.
func (a *api) options() tokenapi.Options {
	return tokenapi.Options{
		Name:    "api",
		Login:   tokenapi.Endpoint{URL: a.URL + "/login"},
		Refresh: tokenapi.Endpoint{URL: a.URL + "/refresh"},
		Logout:  tokenapi.Endpoint{URL: a.URL + "/logout"},
		Reply:   tokenapi.Reply{RefreshToken: []string{"refresh_token"}, ExpiresIn: []string{"expires_in"}},
		Identity: tokenapi.IdentitySource{
			Name: "name", Roles: []string{"role"}, Scopes: []string{"scope"}, Claims: []string{"email"},
		},
		Now: func() time.Time { return now },
	}
}

func (a *api) provider(t *testing.T, change func(*tokenapi.Options)) *tokenapi.Provider {
	t.Helper()
	o := a.options()
	if change != nil {
		change(&o)
	}
	p, err := tokenapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// say answers with a status and a body.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// jwt makes a token nobody signed.
func jwt(claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
}

// ada is what the API usually says.
func ada() map[string]any {
	return map[string]any{
		"sub": "u1", "name": "Ada", "role": "user", "scope": "read write", "email": "ada@example.com",
		"iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	}
}

func pair(access, refresh string) string {
	return fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"token_type":"bearer"}`, access, refresh)
}

func credentials() session.Credentials {
	return session.Credentials{Username: "ada", Password: "lovelace", ClientIP: "203.0.113.9", Now: now}
}

func held() session.Refresh {
	return session.Refresh{
		Identity: session.Identity{
			Provider: "api", Subject: "u1", Name: "Ada", Roles: []string{"user"}, AuthTime: now.Add(-time.Hour),
		},
		Tokens: session.Tokens{Access: "access-1", Refresh: "refresh-1"},
		Now:    now, Expires: now.Add(time.Minute), Absolute: now.Add(24 * time.Hour),
	}
}

// kind names an error by what package refresh will do with it.
func kind(err error) string {
	var refused *session.RefusedError
	var fault *session.FaultError
	var said *session.CredentialsError
	var step *session.StepRequiredError
	var limited *session.RateLimitedError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &step):
		return "step required"
	case errors.As(err, &limited):
		return "rate limited"
	case errors.As(err, &said) && said.Reason != "":
		return string(said.Reason)
	case errors.Is(err, session.ErrInvalidCredentials):
		return "invalid credentials"
	case errors.As(err, &refused):
		return string(refused.Reason)
	case errors.As(err, &fault) && fault.Misconfigured:
		return "misconfigured"
	case errors.As(err, &fault) && fault.Doubt:
		return "doubt"
	case errors.As(err, &fault):
		return "fault"
	}
	return err.Error()
}

func retryAfter(err error) time.Duration {
	var fault *session.FaultError
	if errors.As(err, &fault) {
		return fault.RetryAfter
	}
	var limited *session.RateLimitedError
	if errors.As(err, &limited) {
		return limited.RetryAfter
	}
	return 0
}
