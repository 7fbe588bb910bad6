package app

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// stepUp asks for a newer or stronger proof of who this is (RFC 9470 §3). A new
// login satisfies it; the login page must then not send away whoever is signed
// in, so its address says what is wanted.
func stepUp(require routing.Require, id *session.Identity, authAge time.Duration) *problem.Problem {
	maxAge := require.AuthAge
	old := maxAge > 0 && authAge > maxAge
	weak := len(require.ACR) > 0 && !slices.Contains(require.ACR, id.ACR)
	if !old && !weak {
		return nil
	}
	p := problem.SignInAgain(id.Provider, "")
	challenge := `Bearer error="insufficient_user_authentication", error_description="`
	switch {
	case old && weak:
		p.Detail = "This needs a sign-in no longer ago than " + humanDuration(maxAge) + ", in a stronger way."
		challenge += `A more recent and stronger sign-in is needed"`
	case old:
		p.Detail = "This needs a sign-in no longer ago than " + humanDuration(maxAge) + "."
		challenge += `A more recent sign-in is needed"`
	default:
		p.Detail = "This needs a stronger sign-in."
		challenge += `A stronger sign-in is needed"`
	}
	if maxAge > 0 {
		p.SignIn.MaxAge = strconv.Itoa(int(maxAge / time.Second))
		challenge += `, max_age="` + p.SignIn.MaxAge + `"`
	}
	if len(require.ACR) > 0 {
		p.SignIn.ACR = require.ACR
		challenge += `, acr_values="` + strings.Join(require.ACR, " ") + `"`
	}
	p.Challenge = challenge
	return p
}
