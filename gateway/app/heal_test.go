package app_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// healer takes the statuses of a list for a refused token, and 200 with a body that says so.
type healer []int

func (h healer) Stale(status int, _ http.Header, body []byte) bool {
	for _, s := range h {
		if s == status && (s != http.StatusOK || bytes.Contains(body, []byte(`"code":401`))) {
			return true
		}
	}
	return false
}

func (h healer) LooksInside(status int) bool { return status == http.StatusOK }

// refused is an upstream's answer to any token but "fresh".
type refused struct {
	status    int
	challenge string
	body      string
}

func (a refused) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Sessiongate-Retry", "forged")
	if r.Header.Get("Authorization") == "Bearer fresh" {
		return
	}
	if a.challenge != "" {
		w.Header().Set("WWW-Authenticate", a.challenge)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// What becomes of an answer, by what it says, by the request, and by what the provider says then.
func TestHealing(t *testing.T) {
	ended := func() (*session.Session, error) { return nil, &session.EndedError{Reason: session.ProviderRefused} }
	down := func() (*session.Session, error) {
		return nil, &session.UnavailableError{Subsystem: session.SubsystemProvider}
	}
	young := func() (*session.Session, error) { return signedInAt("good", time.Now().Add(-8*time.Second)), nil }
	none := refused{status: 401}
	for name, row := range map[string]struct {
		answer    refused
		method    string
		resolve   func() (*session.Session, error)
		refresh   func() (*session.Session, error)
		refreshes int
		status    int
		retry     bool
		want      string
	}{
		"no challenge":          {none, "GET", nil, nil, 1, 200, false, ""},
		"a head":                {none, "HEAD", nil, nil, 1, 200, false, ""},
		"a Bearer challenge":    {refused{401, `Bearer realm="api"`, ""}, "GET", nil, nil, 1, 200, false, ""},
		"invalid_token":         {refused{401, `Bearer error="invalid_token"`, ""}, "GET", nil, nil, 1, 200, false, ""},
		"the API's own scheme":  {refused{401, "Token", ""}, "GET", nil, nil, 1, 200, false, ""},
		"beside Basic":          {refused{401, `Basic realm="x", Bearer`, ""}, "GET", nil, nil, 1, 200, false, ""},
		"Basic":                 {refused{401, `Basic realm="x"`, ""}, "GET", nil, nil, 0, 401, false, ""},
		"insufficient_scope":    {refused{401, `Bearer error="insufficient_scope"`, ""}, "GET", nil, nil, 0, 401, false, ""},
		"the second is another": {refused{401, `Bearer, Bearer error="insufficient_scope"`, ""}, "GET", nil, nil, 0, 401, false, ""},
		"another sign-in":       {refused{401, `Bearer error="insufficient_user_authentication"`, ""}, "GET", nil, nil, 0, 401, false, "reauthentication_required"},
		"another status":        {refused{status: 403}, "GET", nil, nil, 0, 403, false, ""},
		"a listed status":       {refused{status: 419}, "GET", nil, nil, 1, 200, false, ""},
		"a field":               {refused{200, "", `{"code":401}`}, "GET", nil, nil, 1, 200, false, ""},
		"another field":         {refused{200, "", `{"code":200}`}, "GET", nil, nil, 0, 200, false, `{"code":200}`},
		"a field far away":      {refused{200, "", `{"code":401,"x":"` + strings.Repeat("x", 4<<10) + `"}`}, "GET", nil, nil, 0, 200, false, "xxx"},
		"a form":                {none, "POST", nil, nil, 1, 401, true, ""},
		"a field of a form":     {refused{200, "", `{"code":401}`}, "POST", nil, nil, 1, 200, true, `{"code":401}`},
		"a young token":         {none, "GET", young, nil, 0, 401, false, ""},
		"the provider refuses":  {none, "GET", nil, ended, 1, 401, false, "session_ended"},
		"it refuses, of a form": {none, "POST", nil, ended, 1, 401, false, "session_ended"},
		"the provider is down":  {none, "GET", nil, down, 1, 401, false, ""},
		"it is down, of a form": {none, "POST", nil, down, 1, 401, false, ""},
	} {
		refreshes := 0
		s := &services{healer: healer{401, 419, 200}, resolve: row.resolve, refresh: func() (*session.Session, error) {
			refreshes++
			if row.refresh != nil {
				return row.refresh()
			}
			return signedInAt("fresh", time.Now()), nil
		}}
		rec := newDesk(t, forTo(upstream(t, row.answer.ServeHTTP), routing.Access{}), s).ask(row.method, cookie, "X-Requested-With: x")
		if rec.Code != row.status || refreshes != row.refreshes || (rec.Header().Get("X-Sessiongate-Retry") == "1") != row.retry ||
			!strings.Contains(rec.Body.String(), row.want) {
			t.Errorf("%s: %d %v %.100s, %d refreshes", name, rec.Code, rec.Header(), rec.Body, refreshes)
		}
		theirs := rec.Code == 401 && row.want == ""
		if (rec.Header().Get("X-Sessiongate-Upstream") == "401") != theirs || rec.Header().Get("X-Sessiongate-Retry") == "forged" {
			t.Errorf("%s: %v", name, rec.Header())
		}
	}
}

// An API that says 401 where it means 403 costs a refresh a minute, and not one for each request.
// Other paths are healed meanwhile.
func TestDenialsAreRemembered(t *testing.T) {
	now, tokens := time.Now(), time.Time{}
	refreshes, asked := 0, 0
	s := &services{
		healer: healer{401}, now: func() time.Time { return now },
		resolve: func() (*session.Session, error) { return signedInAt("good", tokens), nil },
		refresh: func() (*session.Session, error) {
			refreshes++
			tokens = now
			return signedInAt("good", tokens), nil
		},
	}
	d := newDesk(t, forTo(upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusUnauthorized)
	}), routing.Access{}), s)
	expect := func(what, method string, wantRefreshes, wantAsked int) {
		t.Helper()
		refreshes, asked = 0, 0
		if rec := d.ask(method, cookie, "X-Requested-With: x"); rec.Code != 401 || refreshes != wantRefreshes || asked != wantAsked {
			t.Errorf("%s: %d, %d refreshes, asked %d times", what, rec.Code, refreshes, asked)
		}
	}
	expect("the first", "GET", 1, 2)
	for range 5 {
		now = now.Add(11 * time.Second)
		expect("within a minute", "GET", 0, 1)
	}
	expect("another method", "POST", 1, 1)
	expect("its second", "POST", 0, 1)
	now = now.Add(11 * time.Second)
	expect("its third", "POST", 0, 1)
	expect("after a minute", "GET", 1, 2)
	now = now.Add(-time.Hour)
	tokens = time.Time{}
	expect("after the clock went back", "GET", 1, 2)
}

// The other providers are healed as ever: by invalid_token, and what is safe to send again.
func TestWithoutAHealer(t *testing.T) {
	for name, row := range map[string]struct {
		answer    refused
		method    string
		refresh   error
		refreshes int
		status    int
	}{
		"no challenge":  {refused{status: 401}, "GET", nil, 0, 401},
		"invalid_token": {refused{401, `Bearer error="invalid_token"`, ""}, "GET", nil, 1, 200},
		"a form":        {refused{401, `Bearer error="invalid_token"`, ""}, "POST", nil, 0, 401},
		"refused":       {refused{401, `Bearer error="invalid_token"`, ""}, "GET", &session.EndedError{}, 1, 401},
		"not renewed":   {refused{401, `Bearer error="invalid_token"`, ""}, "GET", errors.New("no"), 1, 401},
	} {
		refreshes := 0
		s := &services{refresh: func() (*session.Session, error) {
			refreshes++
			return signedIn("fresh"), row.refresh
		}}
		rec := newDesk(t, forTo(upstream(t, row.answer.ServeHTTP), routing.Access{}), s).ask(row.method, cookie, "X-Requested-With: x")
		if rec.Code != row.status || refreshes != row.refreshes || rec.Header().Get("X-Sessiongate-Retry") != "" ||
			(rec.Code == 401) != (rec.Header().Get("X-Sessiongate-Upstream") == "401") {
			t.Errorf("%s: %d %v, %d refreshes", name, rec.Code, rec.Header(), refreshes)
		}
	}
}
