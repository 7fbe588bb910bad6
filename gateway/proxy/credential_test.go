package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// credential is a [proxy.Credential] of alternating names and values.
type credential struct{ fields, cookies []string }

func (c credential) Fields(visit func(name, value string) bool)  { pairs(c.fields, visit) }
func (c credential) Cookies(visit func(name, value string) bool) { pairs(c.cookies, visit) }

func pairs(list []string, visit func(name, value string) bool) {
	for i := 0; i < len(list); i += 2 {
		if !visit(list[i], list[i+1]) {
			return
		}
	}
}

// What carries a token stands in the place of what the client sent there, in whatever spelling, and
// a renewed one in the place of the first.
func TestCredential(t *testing.T) {
	for name, row := range map[string]struct {
		first, renewed credential
		sent           http.Header
		want           []string // field: value
		after          []string
	}{
		"another scheme": {
			credential{fields: []string{"Authorization", "Token one"}},
			credential{fields: []string{"Authorization", "Token two"}},
			http.Header{"Authorization": {"Token forged"}},
			[]string{"Authorization: Token one"},
			[]string{"Authorization: Token two"},
		},
		"another header": {
			credential{fields: []string{"X-Jwt", "one", "Apikey", "k"}},
			credential{fields: []string{"X-Jwt", "two", "Apikey", "k"}},
			http.Header{"X-Jwt": {"a", "b"}, "X_jwt": {"c"}, "Apikey": {"d"}, "Authorization": {"Bearer forged"}, "Connection": {"X-Jwt"}},
			[]string{"X-Jwt: one", "Apikey: k", "X_jwt: ", "Authorization: "},
			[]string{"X-Jwt: two", "Apikey: k"},
		},
		"a value that is missing": {
			credential{fields: []string{"X-Tenant", ""}, cookies: []string{"t", ""}},
			credential{fields: []string{"X-Tenant", "acme"}, cookies: []string{"t", "v"}},
			http.Header{"X-Tenant": {"forged"}, "Cookie": {"t=forged"}},
			[]string{"X-Tenant: ", "Cookie: "},
			[]string{"X-Tenant: acme", "Cookie: t=v"},
		},
		"cookies": {
			credential{cookies: []string{"jwt", "one", "csrf", "x"}},
			credential{cookies: []string{"jwt", "two", "csrf", "y"}},
			http.Header{"Cookie": {"jwt=forged; theme=dark; JWT=forged; jwt2=kept;"}},
			[]string{"Cookie: theme=dark; jwt2=kept; jwt=one; csrf=x", "Authorization: "},
			[]string{"Cookie: theme=dark; jwt2=kept; jwt=two; csrf=y"},
		},
		"a cookie alone": {
			credential{cookies: []string{"jwt", "one"}},
			credential{cookies: []string{"jwt", "two"}},
			http.Header{"Cookie": {"jwt=forged"}},
			[]string{"Cookie: jwt=one"},
			[]string{"Cookie: jwt=two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []http.Header
			up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				if got = append(got, r.Header.Clone()); len(got) == 1 {
					w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
					w.WriteHeader(http.StatusUnauthorized)
				}
			})
			f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
			f.credential = &row.first
			f.handler.renew = func(res *http.Response, _ bool) (proxy.Token, error) {
				if res.StatusCode != http.StatusUnauthorized {
					return proxy.Token{}, nil
				}
				return proxy.Token{Credential: &row.renewed}, nil
			}
			req := request(t, "GET", f.URL+"/api", nil)
			req.Header = row.sent
			res, _ := get(t, req)
			if len(got) != 2 || res.Header.Get("Cache-Control") == "" {
				t.Fatalf("%d requests, %v", len(got), res.Header)
			}
			for i, want := range [][]string{row.want, row.after} {
				for _, line := range want {
					field, value, _ := strings.Cut(line, ": ")
					if is := strings.Join(got[i].Values(field), "|"); is != value {
						t.Errorf("request %d: %s: %q, want %q", i+1, field, is, value)
					}
				}
			}
		})
	}
}

// A trailer is no way around: some servers merge the two.
func TestCredentialAndTrailers(t *testing.T) {
	var trailer http.Header
	up := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		trailer = r.Trailer.Clone()
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	f.credential = credential{fields: []string{"X-Jwt", "one"}}
	req := request(t, "POST", f.URL+"/api", io.MultiReader(strings.NewReader("body")))
	req.Trailer = http.Header{"X-Jwt": {"forged"}, "X-Sum": {"1"}}
	get(t, req)
	if trailer.Get("X-Jwt") != "" || trailer.Get("X-Sum") != "1" {
		t.Errorf("%v", trailer)
	}
}

func TestCredentialOfAWebSocket(t *testing.T) {
	seen := make(chan http.Header, 1)
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	f.credential = credential{fields: []string{"X-Jwt", "one"}, cookies: []string{"jwt", "one"}}
	conn, res, err := websocket.Dial(t.Context(), f.URL+"/api", &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {"jwt=forged; a=1"}, "X-Jwt": {"forged"}}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Body != nil {
		res.Body.Close()
	}
	_ = conn.CloseNow()
	if h := <-seen; h.Get("X-Jwt") != "one" || h.Get("Cookie") != "a=1; jwt=one" || h.Get("Authorization") != "" {
		t.Errorf("%v", h)
	}
}
