package tokenapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session/tokenapi"
)

// mortal is an API whose refresh tokens die: by its logout, by being used, or never.
type mortal struct {
	dead    http.HandlerFunc // what a dead one gets
	rotates bool
	revokes bool // at a logout
	tokens  int
	good    string
	sent    []string // to refresh, in their order
}

func (m *mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Token string `json:"refresh_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&sent)
	switch r.URL.Path {
	case "/logout":
		if m.revokes {
			m.good = ""
		}
		return
	case "/refresh":
		m.sent = append(m.sent, sent.Token)
		if sent.Token != m.good {
			m.dead(w, r)
			return
		}
	}
	if m.good == "" || m.rotates {
		m.tokens++
		m.good = fmt.Sprintf("refresh-%s-%d", canary, m.tokens)
	}
	say(200, pair(jwt(ada()), m.good))(w, r)
}

// Sessions end by what a dead refresh token gets: a trial asks once, when it has one.
func TestTryDeadToken(t *testing.T) {
	const returned, replaced = " to the refresh token that the logout gave back", " to the refresh token that the login gave, which was replaced"
	type row struct {
		api    mortal
		change func(*tokenapi.Options)
		want   string // the last step
	}
	noLogout := func(o *tokenapi.Options) { o.Logout.URL = "" }
	for name, row := range map[string]row{
		"403": {
			mortal{dead: say(403, `{"message":"`+canary+`"}`), revokes: true},
			nil,
			"FAILED refresh: answers 403" + returned + ", which refresh.refused does not list: its session gets 503 until the doubt is settled. Write refresh: {refused: [401, 403]}",
		},
		"403, listed": {
			mortal{dead: say(403, `{}`), revokes: true},
			func(o *tokenapi.Options) { o.Refresh.Refused = []int{401, 403} },
			"ok refresh: answers 403" + returned + ": refused, and its session ends",
		},
		"replaced": {mortal{dead: say(401, `{}`), rotates: true}, noLogout, "ok refresh: answers 401" + replaced + ": refused, and its session ends"},
		"404": {
			mortal{dead: say(404, `{"message":"`+canary+`"}`), revokes: true},
			nil,
			"FAILED refresh: answers 404" + returned + `: its session gets 503 and does not end. Write refresh: {answers: ["refused: 404 message=*"]}`,
		},
		"403, no JSON": {mortal{dead: say(403, ``), revokes: true}, nil, "FAILED refresh: answers 403" + returned + `: its session gets 503 until the doubt is settled. Write refresh: {answers: ["refused: 403"]}`},
		"401, no JSON": {
			mortal{dead: say(401, canary), revokes: true},
			nil,
			"ok refresh: answers 401" + returned + " without JSON, as a proxy might: its session ends the second time, if others are refreshed meanwhile. " +
				`Where no proxy says so, write refresh: {answers: ["refused: 401"]}`,
		},
		"200": {
			mortal{dead: say(200, `{"code":7}`), revokes: true},
			nil,
			"FAILED refresh: answers 200" + returned + ` and no token: its session gets 503 and does not end. Write refresh: {answers: ["ok: FIELD=0", "refused: FIELD=CODE"]}; it has code: number`,
		},
		"500":          {mortal{dead: say(500, canary), revokes: true}, nil, "ok refresh: answers 500" + returned + ", which is neither yes nor no: its session gets 503 until the API says 401"},
		"a fault":      {mortal{dead: say(403, `{}`), revokes: true}, func(o *tokenapi.Options) { o.Refresh.Answers = []string{"fault: 403"} }, "ok refresh: answers 403" + returned + ", which a line of answers calls a fault"},
		"lives on":     {mortal{}, nil, "ok refresh: answers 200" + returned + ": the API still takes it, and whoever has a copy of it can go on"},
		"none is dead": {mortal{}, noLogout, "ok logout: is not configured"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, nil)
			a.Config.Handler = &row.api
			got := strings.Split(strings.TrimSpace(tryAs(t, a.provider(t, row.change), "lovelace-"+canary)), "\n")
			if last := got[len(got)-1]; !strings.HasPrefix(last, row.want) {
				t.Errorf("got  %s\nwant %s", last, row.want)
			}
			asks := 3
			if name == "none is dead" {
				asks = 2
			}
			if len(row.api.sent) != asks {
				t.Errorf("%d refreshes", len(row.api.sent))
			}
		})
	}
}
