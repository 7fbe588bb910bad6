package gateway

import (
	"net/http"
	"strings"

	"sessiongate/gateway/proxy"
)

// passedOn marks a 401 that an application answered. Its session is fine: a page
// must not take it for the end of the session and send the user to sign in.
const passedOn = "X-Sessiongate-Upstream" //nolint:gosec // a header name, not a credential

// onResponse looks at every answer of an application before it goes out.
func (s *Server) onResponse(w http.ResponseWriter, res *http.Response) error {
	delete(res.Header, passedOn) // ours to say
	if res.StatusCode != http.StatusUnauthorized {
		return nil
	}
	x, ok := w.(*exchange)
	if !ok {
		return nil
	}
	c, found := proxy.BearerChallenge(res.Header, "insufficient_user_authentication")
	if found && x.session != nil {
		return wantStepUp(x, c)
	}
	res.Header[passedOn] = []string{"401"}
	return nil
}

// wantStepUp turns an application's wish for another sign-in (RFC 9470 §3) into
// the problem that our own require.auth_age and require.acr answer with.
func wantStepUp(x *exchange, c proxy.Challenge) *problem {
	p := &problem{
		Status: 401, Code: "reauthentication_required", Title: "Sign in again", Login: true,
		Provider: x.session.Identity().Provider,
		Detail:   "The application asks for a more recent or a stronger sign-in.",
	}
	if age := c.Params["max_age"]; age != "" && len(age) <= 10 && strings.Trim(age, "0123456789") == "" {
		p.MaxAge = age
	}
	p.ACR = strings.Fields(clipText(c.Params["acr_values"], 512))
	p.Challenge = `Bearer error="insufficient_user_authentication"`
	if p.MaxAge != "" {
		p.Challenge += `, max_age="` + p.MaxAge + `"`
	}
	if len(p.ACR) > 0 {
		p.Challenge += `, acr_values="` + strings.NewReplacer(`\`, "", `"`, "").Replace(strings.Join(p.ACR, " ")) + `"`
	}
	return p
}
