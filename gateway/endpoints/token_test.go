package endpoints

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
)

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
		refresh, access, err := presentedTokens(&exchange.Exchange{ResponseWriter: httptest.NewRecorder(), Request: r})
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
