package session_test

import (
	"fmt"
	"strings"
	"testing"

	"sessiongate/session"
)

// TestSecretsPrintNothing, by any verb and in any wrapping.
func TestSecretsPrintNothing(t *testing.T) {
	const canary = "canary-7f3a"
	h := session.NewHandle(session.Browser)
	secret := h.Payload()[:32]
	raw := string(secret)
	s := session.Secret(canary)
	type wrap struct {
		S session.Secret
		P *session.Secret
		T session.Tokens
		L []session.Secret
		H session.Handle
		C session.Credentials
	}
	x := wrap{s, &s, session.Tokens{Access: s, Refresh: s, ID: s}, []session.Secret{s}, h, session.Credentials{Password: s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%08b", "% x", "%c"} {
		for _, v := range []any{s, &s, x, &x, []any{x}, map[string]any{"a": x}, h, &h, fmt.Errorf("wrapped: %v", x)} {
			text := fmt.Sprintf(verb, v)
			for _, hidden := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), raw, fmt.Sprintf("%x", raw), fmt.Sprintf("%d", secret)[1:40]} {
				if strings.Contains(text, hidden) {
					t.Errorf("%s of %T shows the secret: %s", verb, v, text)
				}
			}
		}
	}
}
