package tokenapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Which places there are, and on which side.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]struct{ request, reply string }{
		"a.b":                               {"ok", "ok"},
		"header:x-token":                    {"ok", "ok"},
		"header:Cookie":                     {"not a header", "not a header"},
		"header:a b":                        {"not a header", "not a header"},
		"cookie:rt":                         {"ok", "ok"},
		"cookie:a;b":                        {"not the name of a cookie", "not the name of a cookie"},
		"query:key":                         {"ok", "write location:key"},
		"query:":                            {"name of a parameter", "name of a parameter"},
		"location:token":                    {"write query:token", "ok"},
		"location:":                         {"name of a parameter", "name of a parameter"},
		"roles.*.name":                      {"every entry", "ok"},
		"a..b":                              {"a dot without", "a dot without"},
		"a.*b":                              {"ok", "ok"},
		"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q": {"more than 16", "more than 16"},
	} {
		_, err := parseRequestPlace(text)
		said(t, text+" in a request", err, want.request)
		_, err = parseReplyPlaces([]string{"access_token", text})
		said(t, text+" in a reply", err, want.reply)
	}
}

func said(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "ok" {
		want = "<nil>"
	}
	if got := fmt.Sprint(err); !strings.Contains(got, want) {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// What a field's name finds, with and without *.
func TestEach(t *testing.T) {
	doc, err := decodeJSON([]byte(`{
		"roles": [{"name": "a"}, 7, {"name": "b", "x": {"deep": true}}, {"name": ["c"]}],
		"flags": {"z": true, "admin": true, "none": false},
		"a.b": {"c": 1}, "a": {"b": {"c": 2, "d": 3}},
		"*": {"k": "star"}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"roles.*.name":   "name=a name=b name=[c]",
		"roles.*.name.*": "=c",
		"roles.*":        "=map[name:a] =7 =map[name:b x:map[deep:true]] =map[name:[c]]",
		"roles.2.x.deep": "deep=true",
		"flags.*":        "admin=true none=false z=true",
		"flags":          "flags=map[admin:true none:false z:true]",
		"a.b.c":          "c=1",
		"a.b.d":          "d=3",
		"a.*.c":          "c=2",
		"*.k":            "k=star",
		"*.*.c":          "c=2",
		"roles.4":        "",
		"roles.01":       "",
		"nothing.*":      "",
		"a.b.c.*":        "",
	} {
		var got []string
		each(doc, path, func(name string, v any) bool {
			got = append(got, fmt.Sprintf("%s=%v", name, v))
			return true
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if _, there := lookup(doc, path); there != (want != "") {
			t.Errorf("%s: lookup says %v", path, there)
		}
	}
	if text := fieldText(doc, "roles.*.x"); text != "" {
		t.Errorf("a text of %q", text)
	}
	if text := fieldText(doc, "roles.*"); text != "7" {
		t.Errorf("the first text is %q", text)
	}
}

// A redirect carries tokens in its query or in its fragment.
func TestLocation(t *testing.T) {
	for target, want := range map[string]string{
		"https://app/cb?token=a%2Bb&x=1":   "a+b",
		"https://app/cb#x=1&token=a%2Bb":   "a+b",
		"/cb?token=query#token=fragment":   "query",
		"/cb?token=&x#token=fragment":      "fragment",
		"/cb#/route?token=x":               "",
		"/cb?a=%zz&token=a":                "a",
		"https://app/cb?token=a#%zz&tok=b": "",
		"://":                              "",
		"":                                 "",
	} {
		r := &reply{header: http.Header{"Location": {target}}}
		if got := r.text(place{inLocation, "token"}); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// A token's place ends with a name, by which other answers are searched.
func TestTokenPlaceEndsWithAName(t *testing.T) {
	for place, want := range map[string]string{"tokens.*.value": "ok", "tokens.*": "name the field", "*": "name the field", "a*": "ok"} {
		_, err := newSources(Reply{AccessToken: []string{"x", place}})
		said(t, place, err, want)
	}
}
