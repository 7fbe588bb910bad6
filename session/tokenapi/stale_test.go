package tokenapi

import (
	"net/http"
	"strings"
	"testing"
)

// By which answers an upstream refuses a token, and of which the body has to be read for that.
func TestStale(t *testing.T) {
	for lines, rows := range map[string][]struct {
		status int
		header http.Header
		body   string
		stale  bool
		inside bool
	}{
		"default": {{401, nil, "", true, false}, {401, nil, `{"code":1}`, true, false}, {403, nil, "", false, false}, {200, nil, `{"code":401}`, false, false}},
		"":        {{401, nil, "", false, false}},
		"401|419": {{419, nil, "", true, false}, {401, nil, "", true, false}, {500, nil, "", false, false}},
		"200 code=401": {
			{200, nil, `{"code":401}`, true, true},
			{200, nil, `{"code":"401"}`, true, true},
			{200, nil, `{"code":402}`, false, true},
			{200, nil, "", false, true},
			{200, nil, "<html>", false, true},
			{401, nil, `{"code":401}`, false, false},
		},
		"401|403 error=TOKEN_EXPIRED": {
			{401, nil, "", true, false}, {403, nil, `{"error":"TOKEN_EXPIRED"}`, true, true}, {403, nil, `{"error":"no"}`, false, true},
		},
		"header:X-Token-State=expired": {
			{200, http.Header{"X-Token-State": {"expired"}}, "", true, false}, {200, nil, "", false, false},
		},
	} {
		o := Options{Name: "api", Login: Endpoint{URL: "http://x/"}}
		switch lines {
		case "default":
		case "":
			o.Stale = []string{}
		default:
			o.Stale = strings.Split(lines, "|")
		}
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if got := p.Stale(row.status, row.header, []byte(row.body)); got != row.stale {
				t.Errorf("%q: %d %v %s: stale %v", lines, row.status, row.header, row.body, got)
			}
			if got := p.LooksInside(row.status); got != row.inside {
				t.Errorf("%q: %d: looks inside %v", lines, row.status, got)
			}
		}
	}
	if _, err := New(Options{Name: "api", Login: Endpoint{URL: "http://x/"}, Stale: []string{"9xx"}}); err == nil || !strings.Contains(err.Error(), "stale") {
		t.Errorf("%v", err)
	}
}
