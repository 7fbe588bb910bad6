package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sessiongate/session"
)

var secrets = []string{"refresh-token-0123456789", "access-token-01"}

// TestErase: whatever spelling JSON has for a token, and whatever stands around it.
func TestErase(t *testing.T) {
	for name, row := range map[string]struct{ doc, want string }{
		"string":       {`{"a": "access-token-01", "b":1}`, `{"a": "session"        , "b":1}`},
		"twice":        {`["access-token-01","access-token-01"]`, `["session"        ,"session"        ]`},
		"escaped":      {`["\u0061ccess\u002dtoken-01"]`, `["session"                  ]`},
		"inside":       {`{"url":"/x?t=access-token-01&y"}`, `{"url":"/x?t=session&y"        }`},
		"scheme":       {`"Bearer refresh-token-0123456789"`, `"Bearer session"                 `},
		"json in text": {`"{\"t\":\"access-token-01\"}"`, `"{\"t\":\"session\"}"        `},
		"a name":       {`{"access-token-01":1}`, `{"session"        :1}`},
		"nothing":      {`{"a":"\u00e9<&>","b":[1.5e3,null,true],"token":"invitation"}`, `{"a":"\u00e9<&>","b":[1.5e3,null,true],"token":"invitation"}`},
		"html stays":   {`"<a>access-token-01</a>"`, `"<a>session</a>"        `},
		"a lone quote": {`"\"access-token-01\""`, `"\"session\""        `},
	} {
		if got := erase([]byte(row.doc), secrets, "session"); string(got) != row.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, row.want)
		}
	}
	for name, row := range map[string]struct{ doc, token, want string }{
		"short, all of it":     {`["abc","abcd"]`, "abc", `["session","abcd"]`},
		"a number":             {`[12345678, 123456789]`, "12345678", `["session", 123456789]`},
		"a short number stays": {`[12, "12"]`, "12", `[12, "session"]`},
	} {
		if got := erase([]byte(row.doc), []string{row.token}, "session"); string(got) != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// TestLeftover finds what could not be taken out.
func TestLeftover(t *testing.T) {
	token := secrets[0]
	quoted := func(text string) []byte { b, _ := json.Marshal(text); return b }
	for name, row := range map[string]struct {
		header http.Header
		doc    []byte
		left   bool
	}{
		"clean":              {http.Header{"Location": {"/home"}}, []byte(`{"a":"session","p":"100%"}`), false},
		"raw":                {nil, []byte(`{"a":"` + token + `"}`), true},
		"header":             {http.Header{"Link": {"</x?t=" + token + ">"}}, nil, true},
		"percent":            {http.Header{"Location": {"/x?t=" + strings.ReplaceAll(url.QueryEscape(token), "-", "%2D")}}, nil, true},
		"percent in a text":  {nil, quoted("/x?t=" + strings.ReplaceAll(token, "-", "%2d")), true},
		"base64":             {nil, quoted(base64.StdEncoding.EncodeToString([]byte(token))), true},
		"base64, one behind": {nil, quoted(base64.URLEncoding.EncodeToString([]byte("{" + token + "}"))), true},
		"base64, two behind": {nil, quoted(base64.RawURLEncoding.EncodeToString([]byte(`{"` + token + `"}`))), true},
		"an escape":          {nil, []byte(`"` + strings.Replace(token, "-", `\u002d`, 1) + `"`), true},
		"an escape of it":    {nil, quoted(strings.Replace(token, "-", `\u002d`, 1)), true},
		"json in a text":     {nil, quoted(`{"t":"` + strings.Replace(token, "-", `\u002D`, 1) + `"}`), true},
		"a broken escape":    {nil, quoted(`\u00`), false},
		"a beginning":        {nil, quoted(token[:10]), false},
	} {
		if err := leftover(row.header, row.doc, secrets); (err != nil) != row.left {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDropFields leaves the Location to leftover: without it the page would go nowhere.
func TestDropFields(t *testing.T) {
	h := http.Header{"X-Jwt": {"access-token-01"}, "Link": {"<a>", "<access-token-01>"}, "Location": {"/access-token-01"}, "Etag": {"1"}}
	dropFields(h, secrets)
	if h["X-Jwt"] != nil || !slices.Equal(h["Link"], []string{"<a>"}) || h.Get("Location") == "" || h.Get("Etag") == "" {
		t.Errorf("%v", h)
	}
}

// TestValues: the longest first, since one may be in another.
func TestValues(t *testing.T) {
	got := valuesOf(session.Tokens{Access: "aa", Refresh: "aaa", ID: "aa"})
	if !slices.Equal(got, []string{"aaa", "aa"}) {
		t.Errorf("%q", got)
	}
}

// FuzzErase: a valid document stays valid, has no token left that leftover finds as a text of its own,
// and one without tokens stays as it is.
func FuzzErase(f *testing.F) {
	for _, doc := range []string{`{"a":"access-token-01"}`, `"\u0061ccess-token-01"`, `[1e5,"x\\",{"refresh-token-0123456789":"\ud83d\ude00"}]`, `"\\\"access-token-01"`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !json.Valid(doc) {
			return
		}
		got := erase(bytes.Clone(doc), secrets, "session")
		if !json.Valid(got) || len(got) < len(doc) {
			t.Errorf("%q became %q", doc, got)
		}
		before, after := leftover(nil, doc, secrets) != nil, leftover(nil, got, secrets) != nil
		if !before && !bytes.Equal(doc, got) {
			t.Errorf("%q became %q", doc, got)
		}
		if after && bytes.Contains(got, []byte(`"access-token-01"`)) {
			t.Errorf("left in %q", got)
		}
	})
}
