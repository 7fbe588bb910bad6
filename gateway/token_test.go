package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sessiongate/gateway/problem"
)

// FuzzBearerToken: whatever a client writes into Authorization, a token that is
// taken is one b64token of RFC 6750 §2.1, and was in the header as it is.
func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Bearer a.b.c", "bearer   sgr_x== ", "Basic YQ==", "Bearer a b", "Bearer a,Bearer b", "Bearer\ta", "Bearer é",
		"BEARER ~-._+/=", " Bearer a", "Bearer bearer", "Bearer \x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, given, ok := bearerToken(&http.Request{Header: http.Header{"Authorization": {value}}})
		if !given {
			t.Fatal("a header that is there is not seen")
		}
		if !ok {
			if token != "" {
				t.Errorf("%q: refused with a token", value)
			}
			return
		}
		if token == "" || strings.ContainsFunc(token, notB64Token) || !strings.Contains(value, token) ||
			!strings.EqualFold(strings.Fields(value)[0], "bearer") {
			t.Errorf("%q: took %q", value, token)
		}
	})
}

// FuzzPresentedTokens: no header and body together make a panic, a token that
// nobody sent, or an answer other than a token or a problem.
func FuzzPresentedTokens(f *testing.F) {
	f.Add("", `{"refresh_token":"sgr_a"}`)
	f.Add("Bearer sgr_a", `{"refresh_token":"sgr_b"}`)
	f.Add("Bearer a.b.c", `{"refresh_token":"sgr_b"}`)
	f.Add("Bearer sgr_a", ``)
	f.Add("", `{"refresh_token":1}`)
	f.Add("", `[]`)
	f.Add("", `{"refresh_token":"a","refresh_token":"b"}`)
	f.Fuzz(func(t *testing.T, header, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/token/refresh", strings.NewReader(body))
		if header != "" {
			r.Header["Authorization"] = []string{header}
		}
		refresh, access, err := presentedTokens(&exchange{ResponseWriter: httptest.NewRecorder(), r: r})
		if err != nil {
			if p := problem.Of(err); p.Status != http.StatusBadRequest && p.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%q %q: %v", header, body, err)
			}
			return
		}
		if access != "" && !strings.Contains(header, access.Reveal()) {
			t.Errorf("%q %q: an access token from nowhere", header, body)
		}
		if strings.Contains(header, "sgr_") && strings.HasPrefix(refresh.Reveal(), "sgr_") && access != "" &&
			strings.HasPrefix(access.Reveal(), "sgr_") {
			t.Errorf("%q %q: a refresh token taken for an access token", header, body)
		}
	})
}
