package crossorigin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	own     = "https://app.example.com"
	allowed = "https://other.example.com"
)

// reference is the package's table, written down once more rule by rule: slow, and
// independent of the code it checks.
func reference(f Facts) Verdict {
	safe := strings.Contains(" GET HEAD OPTIONS ", " "+f.Method+" ")
	// 1. Preflight: the CORS answer (allowed origins only), nothing else.
	if f.Preflight {
		if f.Origin == allowed || f.Origin == own {
			return AnswerPreflight
		}
		return Refuse
	}
	// 2. Top-level navigation, and the bounce page.
	if (f.Method == "GET" || f.Method == "HEAD") && f.Mode == "navigate" && f.Dest != "iframe" && f.Dest != "object" {
		if f.Site == "cross-site" && !f.SessionCookie && f.Method == "GET" && !f.Prefetch {
			return Bounce
		}
		return Allow
	}
	// 3. Origin present: ours or allowed, whatever else is said.
	if f.Origin != "" {
		return map[string]Verdict{own: Allow, allowed: AllowWithCORS, "null": Refuse, "https://evil.example": Refuse}[f.Origin]
	}
	// 4. No Origin: Sec-Fetch-Site is same-origin, or absent, or none on a safe method.
	if f.Site != "" && f.Site != "same-origin" && (f.Site != "none" || !safe) {
		return Refuse
	}
	// 5. Neither header, unsafe method, our cookie present: needs X-Requested-With.
	if f.Site == "" && !safe && f.SessionCookie && !f.RequestedWith {
		return NeedsHeader
	}
	return Allow
}

func TestCrossOriginTable(t *testing.T) {
	n := 0
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"} {
		for _, origin := range []string{"", own, allowed, "null", "https://evil.example"} {
			for _, site := range []string{"", "same-origin", "same-site", "cross-site", "none", "nonsense"} {
				for _, mode := range []string{"", "navigate", "cors", "no-cors", "websocket"} {
					for _, dest := range []string{"", "document", "iframe", "object", "empty", "image"} {
						for flags := range 16 {
							f := Facts{
								Method: method, Origin: origin, Site: site, Mode: mode, Dest: dest, Prefetch: flags&1 != 0,
								Preflight: flags&2 != 0 && method == "OPTIONS" && origin != "", RequestedWith: flags&4 != 0, SessionCookie: flags&8 != 0,
							}
							if got, want := (Policy{own, []string{allowed}}).Judge(f), reference(f); got != want {
								t.Fatalf("%+v: %d, want %d", f, got, want)
							}
							n++
						}
					}
				}
			}
		}
	}
	t.Logf("%d requests", n)
}

// TestFactsOf: a header that comes twice says nothing good.
func TestFactsOf(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/", nil)
	r.Header = http.Header{"Origin": {own, "https://evil.example"}, "Access-Control-Request-Method": {"PUT"}}
	if f := FactsOf(r); f.Origin == own || (Policy{Own: own}).Judge(f) != Refuse {
		t.Errorf("two origins: %+v", f)
	}
}

// TestFactsOfARequest: each header that counts, and nothing else.
func TestFactsOfARequest(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header = http.Header{
		"Origin": {own}, "Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
		"Sec-Purpose": {"prefetch"}, "X-Requested-With": {"curl"}, "Access-Control-Request-Method": {"PUT"},
	}
	want := Facts{Method: "POST", Origin: own, Site: "same-site", Mode: "cors", Dest: "empty", Prefetch: true, RequestedWith: true}
	if got := FactsOf(r); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRefusals: 403 with what to do, and never the text of another site as it came.
func TestRefusals(t *testing.T) {
	for origin, want := range map[string]string{
		"": "another site", "null": "another site", "https://evil.example": `"https://evil.example"`, "https://x\u202e": `"https://x"`,
	} {
		p := Refusal(Facts{Origin: origin})
		if p.Status != 403 || p.Code != "cross_origin_refused" || !strings.Contains(p.Detail, want) {
			t.Errorf("%q: %+v", origin, p)
		}
	}
	if p := HeaderMissing(); p.Status != 403 || !strings.Contains(p.Detail, "X-Requested-With") {
		t.Errorf("%+v", p)
	}
}
