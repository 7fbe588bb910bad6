package masking

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Family knows the JWTs of one API by what those have in common that were seen so far. It is safe
// for concurrent use.
type Family struct {
	subjects []string // claims that name the user
	hosts    []string // an issuer there is the API itself
	seen     atomic.Pointer[[]kin]
	looked   atomic.Int64 // when a token was learned from, in ms since 1970
}

// kin is what tells an API's tokens from those of others.
type kin struct {
	jwt       bool   // else its tokens are opaque
	issuer    string // iss; empty: it has none, and what follows counts
	algorithm string
	key       string
	claims    []string // names, but for the times, sorted
}

// remembered bounds the kinds of token of one API: it may change its keys, and two providers may
// lead to it.
const remembered = 4

// NewFamily makes the family of an API. subjects are the claims in which its tokens may name the
// user; hosts are names, without ports, that the API goes by: some put the address they were called at
// into iss. issuers are known beforehand.
func NewFamily(subjects, hosts, issuers []string) *Family {
	f := &Family{subjects: subjects, hosts: hosts}
	for _, issuer := range issuers {
		f.remember(kin{jwt: true, issuer: issuer})
	}
	return f
}

// learnAgain is how often a token is learned from: the API may begin to use another key.
const learnAgain = time.Minute

// Due reports whether it is time to [Family.Learn] again. It tells only one caller.
func (f *Family) Due(now time.Time) bool {
	last, ms := f.looked.Load(), now.UnixMilli()
	return ms-last >= learnAgain.Milliseconds() && f.looked.CompareAndSwap(last, ms)
}

// Learn looks at a token that the API has issued.
func (f *Family) Learn(token string) {
	k := kin{}
	if h, c, ok := readJWT([]byte(token)); ok {
		k = kinOf(h, c)
	}
	f.remember(k)
}

func (f *Family) remember(k kin) {
	for {
		old := f.seen.Load()
		var list []kin
		if old != nil {
			if slices.ContainsFunc(*old, k.same) {
				return
			}
			list = (*old)[:min(len(*old), remembered-1)]
		}
		list = append([]kin{k}, list...)
		if f.seen.CompareAndSwap(old, &list) {
			return
		}
	}
}

func (k kin) same(other kin) bool {
	return k.jwt == other.jwt && k.issuer == other.issuer && k.algorithm == other.algorithm && k.key == other.key &&
		slices.Equal(k.claims, other.claims)
}

// Has reports whether text is a JWT of the API: it bears the API's iss; where the API's have none,
// the same alg and kid, and a claim that names the user. named says that it stands under a name of
// tokens. Elsewhere a JWT without iss must also have all the claims that the API's have. As long
// as no token of the API is known, every JWT is taken for one: nobody is signed in there yet.
func (f *Family) Has(text []byte, named bool) bool { return f.has(text, named, true) }

// HasInPage is Has for pages, scripts and other text for people, which may have JWTs that everybody
// knows in them, such as an app's key: as long as no token of the API is known, only those with an
// iss at the API are taken for its own.
func (f *Family) HasInPage(text []byte) bool { return f.has(text, false, false) }

func (f *Family) has(text []byte, named, unknown bool) bool {
	h, c, ok := readJWT(text)
	if !ok {
		return false
	}
	k, seen := kinOf(h, c), f.seen.Load()
	if seen == nil {
		return unknown || f.atHome(k.issuer)
	}
	if k.issuer != "" {
		return f.atHome(k.issuer) || slices.ContainsFunc(*seen, func(s kin) bool { return s.issuer == k.issuer })
	}
	return slices.ContainsFunc(*seen, func(s kin) bool { return f.alike(s, k, named) })
}

// alike compares JWTs without iss.
func (f *Family) alike(known, k kin, named bool) bool {
	if !known.jwt || known.issuer != "" || known.algorithm != k.algorithm || known.key != k.key {
		return false
	}
	if named && slices.ContainsFunc(f.subjects, func(s string) bool { return slices.Contains(known.claims, s) && slices.Contains(k.claims, s) }) {
		return true
	}
	return !slices.ContainsFunc(known.claims, func(c string) bool { return !slices.Contains(k.claims, c) })
}

// atHome reports whether an issuer is an address of the API itself.
func (f *Family) atHome(issuer string) bool {
	u, err := url.Parse(issuer)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && slices.Contains(f.hosts, strings.ToLower(u.Hostname()))
}

type joseHeader struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
}

func kinOf(h joseHeader, claims map[string]json.RawMessage) kin {
	k := kin{jwt: true, algorithm: h.Algorithm, key: h.Key}
	_ = json.Unmarshal(claims["iss"], &k.issuer) // what is no text is none
	if k.issuer != "" {
		return kin{jwt: true, issuer: k.issuer}
	}
	for name := range claims {
		switch name {
		case "exp", "iat", "nbf", "iss":
		default:
			k.claims = append(k.claims, name)
		}
	}
	slices.Sort(k.claims)
	return k
}

// readJWT reads a signed JWT (RFC 7519 §7.2), after the name of a scheme perhaps. Its signature is
// not looked at.
func readJWT(text []byte) (h joseHeader, claims map[string]json.RawMessage, ok bool) {
	if scheme, rest, cut := bytes.Cut(text, []byte(" ")); cut && len(scheme) <= 10 {
		text = bytes.TrimSpace(rest)
	}
	if !bytes.HasPrefix(text, []byte(jwtStart)) || bytes.Count(text, []byte(".")) != 2 {
		return h, nil, false
	}
	parts := bytes.Split(text, []byte("."))
	if !readPart(parts[0], &h) || !readPart(parts[1], &claims) {
		return h, nil, false
	}
	return h, claims, claims != nil
}

func readPart(part []byte, into any) bool {
	data, err := base64.RawURLEncoding.AppendDecode(nil, bytes.TrimRight(part, "="))
	return err == nil && json.Unmarshal(data, into) == nil
}
