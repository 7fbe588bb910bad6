package tokenapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"sessiongate/session"
)

// maxToken bounds one token. It travels in a header, and most servers refuse more.
const maxToken = 16 << 10

// sources are the places of [Reply], parsed.
type sources struct{ access, refresh, expires []place }

func newSources(r Reply) (s sources, err error) {
	for _, p := range []struct {
		into *[]place
		what string
		list []string
	}{
		{&s.access, "access_token", r.AccessToken},
		{&s.refresh, "refresh_token", r.RefreshToken},
		{&s.expires, "expires_in", r.ExpiresIn},
	} {
		*p.into, err = parseReplyPlaces(p.list)
		for _, at := range *p.into {
			if at.kind == inBody && (at.name == everyEntry || strings.HasSuffix(at.name, "."+everyEntry)) {
				// Other answers are searched for tokens by the last name of a place.
				err = fmt.Errorf("%q: ends with *: name the field", at.name)
			}
		}
		if err != nil {
			return s, fmt.Errorf("reply: %s: %w", p.what, err)
		}
	}
	return s, nil
}

// granted are the tokens of a reply and what the access token says, if it is a JWT.
type granted struct {
	session.Tokens
	claims   map[string]any // nil: not a JWT
	lifetime time.Duration
	unkept   error // why what the answer says beside the tokens cannot be kept; nil: it can
}

// tokenReader takes tokens, and what is kept with them, out of an API's answers. It is safe for
// concurrent use.
type tokenReader struct {
	provider string // for the log
	sources  sources
	kept     keepLines
	issued   func(session.Secret) // sees every access token; nil: nobody looks

	said       Reply         // as configured: the names of the places, and the unit of a lifetime
	lifetime   time.Duration // of a token of which nothing is said
	log        *slog.Logger
	unreadable sync.Once // that an expires_in is no expiry
}

// newTokenReader reads the places of [Options.Reply].
func newTokenReader(o *Options, kept keepLines) (*tokenReader, error) {
	s, err := newSources(o.Reply)
	return &tokenReader{
		provider: o.Name, sources: s, kept: kept, issued: o.Issued, said: o.Reply, lifetime: o.Lifetime, log: o.Log,
	}, err
}

// take takes the tokens out of a reply; now is when it was asked for. Without an access token it is
// a fault: the places do not fit the API.
func (t *tokenReader) take(r *reply, now time.Time) (granted, error) {
	g := granted{Tokens: session.Tokens{
		Access:  session.Secret(r.first(t.sources.access)),
		Refresh: session.Secret(r.first(t.sources.refresh)),
	}}
	switch {
	case g.Access == "":
		return g, fault(r.what, "the answer has no access token where reply.access_token says")
	case !fit(g.Access) || !fit(g.Refresh):
		return g, fault(r.what, "a token is longer than 16 KiB or not visible ASCII")
	}
	if t.issued != nil {
		t.issued(g.Access)
	}
	g.Keep, g.unkept = t.kept.take(r, nil)
	g.claims, _ = readClaims(g.Access.Reveal())
	g.lifetime = t.lifetimeOf(r, g.claims, now)
	return g, nil
}

// takeAgain is take for the answer to a refresh, which need not mention what was kept before. The API
// has rotated: too much of that costs no session.
func (t *tokenReader) takeAgain(r *reply, former session.Kept, now time.Time) (granted, error) {
	g, err := t.take(r, now)
	if err == nil {
		g.Keep, _ = t.kept.take(r, former)
	}
	return g, err
}

func fit(t session.Secret) bool { return len(t) <= maxToken && headerSafe(t.Reveal()) }

// fault is a misfit of configuration and API.
func fault(what, why string) error {
	return &session.FaultError{Misconfigured: true, Err: errors.New(what + ": " + why)}
}

// claimedLifetime is exp minus now; where iat is later than our clock, minus iat. If a token we
// were given this moment seems to have expired, the clocks differ by more than its life, and exp
// minus iat is the best there is. known is false if the claims do not say, or make no sense.
func claimedLifetime(claims map[string]any, now time.Time) (life time.Duration, known bool) {
	exp, ok := claimTime(claims, "exp")
	if !ok {
		return 0, false
	}
	left := exp.Sub(now)
	issued, ok := claimTime(claims, "iat")
	if ok && (issued.After(now) || left < minLifetime) {
		left = exp.Sub(issued)
	}
	return plausible(left)
}

func claimTime(claims map[string]any, name string) (time.Time, bool) {
	number, ok := claims[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := number.Float64() // NumericDate may have a fraction (RFC 7519 §2)
	if err != nil || f < 0 || f > 1<<40 {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// readClaims reads a JWT's claims (RFC 7519 §7.2) without checking its signature.
func readClaims(raw string) (map[string]any, bool) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, false
	}
	doc, err := decodeJSON(payload)
	if err != nil {
		return nil, false
	}
	claims, ok := doc.(map[string]any)
	return claims, ok
}
