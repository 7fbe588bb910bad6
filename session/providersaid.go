package session

import (
	"fmt"
	"strings"
)

// longestDescription bounds what a provider may write into our log about one error.
const longestDescription = 200

// CleanDescription makes an error_description fit for the log. Its characters are
// those of RFC 6749 §4.1.2.1, others become spaces; what looks like a token is left
// out, and so are the given secrets; the rest is cut at 200 bytes. It is foreign
// text all the same: never for a page, a metric or a redirect.
func CleanDescription(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return ' '
		}
		return r
	}, text)
	words := strings.Fields(text)
	for i, w := range words {
		if tokenLike(w) {
			words[i] = "[token]"
		}
	}
	return clip(strings.Join(words, " "), longestDescription)
}

// longestWord is more than a UUID has and less than a token.
const longestWord = 40

// tokenLike reports whether a word may be a credential: a JWT, or many characters
// of the alphabet of tokens (RFC 6750 §2.1) in one run.
func tokenLike(word string) bool {
	if strings.Contains(word, "eyJ") {
		return true
	}
	run := 0
	for i, c := range []byte(word) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		switch {
		case letter || strings.IndexByte("-._~+=", c) >= 0:
			run++
		case c == '/' && !strings.Contains(word[:i+1], "://"):
			run++ // of base64, unless it is an address
		default:
			run = 0
		}
		if run > longestWord {
			return true
		}
	}
	return false
}

// AboutUser reports whether an error code of a token endpoint is about this user's
// grant and not about the client or the request (RFC 6749 §4.1.2.1 and §5.2, OpenID
// Connect Core §3.1.2.6). Only a new sign-in helps.
func AboutUser(code string) bool {
	switch code {
	case "invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required",
		"account_selection_required":
		return true
	}
	return false
}

// ProviderAnswer is an error in a provider's own words. Code and Description are
// for the log; what Error returns has the code only.
type ProviderAnswer struct {
	What        string // the endpoint
	Status      int
	Code        string // the error parameter; empty: there was none
	Description string // cleaned, see [CleanDescription]
}

// Error implements error.
func (a *ProviderAnswer) Error() string {
	return fmt.Sprintf("%s: answer %d %.64q", a.What, a.Status, a.Code)
}

// ProviderSaid returns the provider's own words, for the log.
func (a *ProviderAnswer) ProviderSaid() (code, description string) { return a.Code, a.Description }
