package proxy

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnswersToATokenAreForTheBrowserAlone(t *testing.T) {
	for said, want := range map[string]string{
		"":                                "private, no-cache",
		"|Expires":                        "private",
		"|Last-Modified":                  "private, no-cache",
		" , ":                             "private, no-cache",
		"max-age=60":                      "private, max-age=60",
		"Max-Age=60, immutable":           "private, Max-Age=60, immutable",
		"no-cache":                        "private, no-cache",
		"no-transform":                    "private, no-cache, no-transform",
		"no-transform|Expires":            "private, no-transform",
		"public":                          "public",
		"PUBLIC , max-age=60":             "PUBLIC , max-age=60",
		"s-maxage=60":                     "s-maxage=60",
		"max-age=5, must-revalidate":      "max-age=5, must-revalidate",
		"private":                         "private",
		"no-store":                        "no-store",
		"proxy-revalidate, max-age=1":     "private, proxy-revalidate, max-age=1",
		`private="set-cookie", max-age=1`: `private, private="set-cookie", max-age=1`,
		`no-cache="set-cookie"`:           `private, no-cache, no-cache="set-cookie"`,
		`x="public, \" s-maxage=1", y`:    `private, no-cache, x="public, \" s-maxage=1", y`,
		`x="public, max-age=1`:            `private, no-cache, x="public, max-age=1`,
		"publicly, max-age=1":             "private, publicly, max-age=1",
		"max-age=1&no-transform":          "private, max-age=1, no-transform", // two lines
		"max-age=1&public":                "max-age=1&public",
	} {
		h := http.Header{}
		value, other, _ := strings.Cut(said, "|")
		if value != "" {
			h["Cache-Control"] = strings.Split(value, "&")
		}
		if other != "" {
			h.Set(other, "Thu, 01 Jan 1970 00:00:00 GMT")
		}
		keepPrivate(h, []string{privately})
		if got := strings.Join(h["Cache-Control"], "&"); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
		if h["Cdn-Cache-Control"] != nil {
			t.Errorf("%q: CDN-Cache-Control appears", said)
		}
	}
	h := http.Header{"Cache-Control": {"no-store"}, "Cdn-Cache-Control": {"max-age=60"}}
	if keepPrivate(h, nil); h.Get("CDN-Cache-Control") != "private, max-age=60" {
		t.Errorf("%v", h)
	}
}

// What a browser keeps for a while depends on the cookie that was there.
func TestKeptAnswersVaryByTheCookie(t *testing.T) {
	for said, want := range map[string]string{
		"":                            "",
		"max-age=60":                  "Cookie",
		"private, max-age=60":         "Cookie",
		"max-age=60, must-revalidate": "Cookie",
		"max-age=0, no-cache":         "",
		"max-age=60, no-store":        "",
		"public, max-age=60":          "",
		"s-maxage=60, max-age=60":     "",
		"|Expires":                    "Cookie",
		"no-transform|Expires":        "Cookie",
		"max-age=60|Vary=Accept":      "Accept, Cookie",
		"max-age=60|Vary=A, cookie":   "A, cookie",
		"max-age=60|Vary=*":           "*",
	} {
		h := http.Header{}
		value, other, _ := strings.Cut(said, "|")
		if value != "" {
			h.Set("Cache-Control", value)
		}
		if name, v, _ := strings.Cut(other, "="); name != "" {
			h.Set(name, v)
		}
		keepPrivate(h, []string{privately})
		if got := strings.Join(h["Vary"], ", "); got != want {
			t.Errorf("%q: Vary is %q, want %q", said, got, want)
		}
	}
}

// Whatever stands there, a cache that reads it finds a word about who may store it, and nothing
// that was said is lost.
func FuzzKeepPrivate(f *testing.F) {
	for _, seed := range []string{"max-age=60", `private="a", "`, `x="\`, ",,", "public=1;x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said string) {
		h := http.Header{"Cache-Control": {said}}
		keepPrivate(h, []string{privately})
		got := h["Cache-Control"]
		if len(got) != 1 || !readDirectives(got).stores || !strings.Contains(got[0], strings.Trim(said, " \t,")) {
			t.Fatalf("%q becomes %q", said, got)
		}
	})
}
