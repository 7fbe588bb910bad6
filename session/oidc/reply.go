package oidc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sessiongate/session"
)

const (
	// defaultLifetime is that of an access token about which nothing is said.
	defaultLifetime = 5 * time.Minute
	maxLifetime     = 30 * 24 * time.Hour
)

// reply is an answer of the token endpoint (RFC 6749 §5.1).
type reply struct {
	AccessToken  session.Secret
	RefreshToken session.Secret
	IDToken      session.Secret
	Scope        string
	Lifetime     time.Duration
}

// parseReply reads a token response that was asked for at began.
func parseReply(body []byte, began time.Time) (reply, error) {
	var fields map[string]json.RawMessage // names are exact
	err := json.Unmarshal(body, &fields)
	var raw struct{ access, refresh, id, kind string }
	for name, into := range map[string]*string{
		"access_token": &raw.access, "refresh_token": &raw.refresh, "id_token": &raw.id, "token_type": &raw.kind,
	} {
		if value, there := fields[name]; there && err == nil {
			err = json.Unmarshal(value, into)
		}
	}
	switch {
	case err != nil:
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer is not JSON as expected")}
	case raw.access == "" || strings.ContainsFunc(raw.access, unsendable):
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer has no usable access token")}
	case raw.kind != "" && !strings.EqualFold(raw.kind, "Bearer"):
		return reply{}, &session.FaultError{
			Misconfigured: true, Err: fmt.Errorf("token endpoint: token type %.32q is not Bearer", raw.kind),
		}
	}
	r := reply{
		AccessToken: session.Secret(raw.access), RefreshToken: session.Secret(raw.refresh), IDToken: session.Secret(raw.id),
		Scope: scope(fields["scope"]), Lifetime: lifetime(fields["expires_in"], raw.access, began),
	}
	return r, nil
}

// scope reads a text with words or, as some providers have it, a list. Anything
// else is as good as none: the refresh token of this answer must not be lost.
func scope(raw json.RawMessage) string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, " ")
	}
	var text string
	_ = json.Unmarshal(raw, &text)
	return text
}

// unsendable bytes would end the Authorization header or split it.
func unsendable(r rune) bool { return r <= ' ' || r >= 0x7f }

// lifetime is what expires_in says, as a number or, as some providers have it, a
// string; else what the access token says if it is a JWT; else a guess. It counts
// from now, when the provider was asked, as [session.Grant] wants it.
func lifetime(expiresIn json.RawMessage, accessToken string, now time.Time) time.Duration {
	text := string(bytes.Trim(expiresIn, `"`))
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 {
		return time.Duration(min(n, maxLifetime.Seconds()) * float64(time.Second))
	}
	if payload, ok := unverifiedPayload(accessToken); ok {
		claims, _ := parseClaims(payload)
		if expires, ok := claims.time("exp"); ok && expires.After(now) {
			return min(expires.Sub(now), maxLifetime)
		}
	}
	return defaultLifetime
}

// unverifiedPayload is the payload of a JWT nobody has checked.
func unverifiedPayload(token string) ([]byte, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return payload, err == nil
}
