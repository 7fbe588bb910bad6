package tokenapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// A no to an empty refresh, of a status that refresh.refused does not have, may be what dead tokens
// get.
func TestCheckNamesUnlistedRefusals(t *testing.T) {
	const lead = ", which refresh.refused does not list: if a dead refresh token gets it too, its session gets 503 until the doubt is settled. Then write refresh: {refused: "
	for name, row := range map[string]struct {
		status  int
		body    string
		refresh tokenapi.Endpoint
		want    string // nothing but the answered endpoints: no finding
	}{
		"403":             {403, `{"message":"Refresh Token is required!"}`, tokenapi.Endpoint{}, "W refresh: answers 403" + lead + "[401, 403]}; `sessiongate check --try USER` shows what it gets"},
		"400":             {400, `{"message":"x"}`, tokenapi.Endpoint{}, "W refresh: answers 400" + lead + "[400, 401]}"},
		"422":             {422, `"x"`, tokenapi.Endpoint{}, "W refresh: answers 422" + lead + "[401, 422]}"},
		"401":             {401, `{}`, tokenapi.Endpoint{Refused: []int{403}}, "W refresh: answers 401" + lead + "[401, 403]}"},
		"403, no JSON":    {403, `x`, tokenapi.Endpoint{}, "login 401, refresh 403"},
		"403, listed":     {403, `{}`, tokenapi.Endpoint{Refused: []int{401, 403}}, "login 401, refresh 403"},
		"403, answers":    {403, `{"code":1}`, tokenapi.Endpoint{Answers: []string{"refused: code=1"}}, "login 401, refresh 403"},
		"400, other line": {400, `{"code":2}`, tokenapi.Endpoint{Answers: []string{"refused: code=1"}}, "login 401, refresh 400"},
		"403, other line": {403, `{"code":2}`, tokenapi.Endpoint{Answers: []string{"refused: code=1"}}, "W refresh: answers 403" + lead},
		"FastAPI's form":  {422, `{"detail":[{"type":"missing","loc":["body","refresh_token"],"input":{}}]}`, tokenapi.Endpoint{}, "login 401, refresh 422"},
		"Django's form":   {400, `{"refresh":["This field is required."]}`, tokenapi.Endpoint{}, "login 401, refresh 400"},
		"RFC 6749":        {400, `{"error":"invalid_request"}`, tokenapi.Endpoint{}, "login 401, refresh 400"},
		"a dead token is": {404, `{"message":"no such token"}`, tokenapi.Endpoint{}, `W refresh: answers 404, and not as a path does that is not there: the path is right. If a dead refresh token gets it too, write refresh: {answers: ["refused: 404 message=*"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, pathAnswers(map[string]http.HandlerFunc{"/login": say(401, `{}`), "/refresh": say(row.status, row.body)}))
			got := reportText(a.provider(t, func(o *tokenapi.Options) {
				row.refresh.URL, o.Logout.URL = o.Refresh.URL, ""
				o.Refresh = row.refresh
			}).Check(t.Context()))
			if !strings.HasPrefix(got, row.want) || strings.HasPrefix(row.want, "login") && got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// What the log says of such a refresh leads to the key.
func TestUnlistedRefusalNamesItsKey(t *testing.T) {
	for status, want := range map[int]string{
		403: "the API answered 403 to refresh, which refresh.refused does not list: a dead token, perhaps",
		404: "the API answered 404 to refresh: if that is its word for a dead token, a line of refresh.answers has to say so",
		405: "the API answered 405 to refresh",
	} {
		a := newAPI(t, say(status, `{"message":"`+canary+`"}`))
		_, err := a.provider(t, nil).Refresh(t.Context(), held())
		var fault *session.FaultError
		if !errors.As(err, &fault) || fault.Err.Error() != want || fault.Doubt != (status == 403) {
			t.Errorf("%d: %v", status, err)
		}
	}
}
