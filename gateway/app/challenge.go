package app

import (
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/session"
)

// signInAgain turns an application's wish for another sign-in (RFC 9470 §3) into
// the problem that our own require.auth_age and require.acr answer with.
func signInAgain(provider string, c proxy.Challenge) *problem.Problem {
	p := problem.SignInAgain(provider, "The application asks for a more recent or a stronger sign-in.")
	if age := c.Params["max_age"]; age != "" && len(age) <= 10 && strings.Trim(age, "0123456789") == "" {
		p.SignIn.MaxAge = age
	}
	p.SignIn.ACR = strings.Fields(session.PlainText(c.Params["acr_values"], 512))
	p.Challenge = `Bearer error="insufficient_user_authentication"`
	if p.SignIn.MaxAge != "" {
		p.Challenge += `, max_age="` + p.SignIn.MaxAge + `"`
	}
	if len(p.SignIn.ACR) > 0 {
		p.Challenge += `, acr_values="` + strings.NewReplacer(`\`, "", `"`, "").Replace(strings.Join(p.SignIn.ACR, " ")) + `"`
	}
	return p
}
