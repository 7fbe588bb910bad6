package routing

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"strings"
	"time"

	"sessiongate/gateway/masking"
)

// SessionMode says what a route wants to know about the browser's session. The zero value is the
// strictest.
type SessionMode int

// The session modes.
const (
	SessionRequired SessionMode = iota // no live session: the request is not forwarded
	SessionOptional                    // forwarded in any case, with a Bearer if there is a session
	SessionNone                        // the cookie is not looked at
)

// Unauthenticated says what a request without a session gets on a route that requires one.
type Unauthenticated int

// The answers to a request without a session.
const (
	Status401 Unauthenticated = iota // a 401 problem, whoever asks
	Login                            // navigations are sent to the login page, all others get the 401
)

// Require is what a session must be to pass. The zero value asks for nothing.
type Require struct {
	Roles   []string // any of them, or all with All
	Scopes  []string // any of them, or all with All
	All     bool
	AuthAge time.Duration // the password was given at most this long ago; 0: any time
	ACR     []string      // the sign-in was of one of these classes (OpenID Connect Core §2); empty: any
}

// Route is one path prefix and its policy. It is a plain value that others apply; a [Table] reads
// what decides where a path belongs and which of two routes demands more. It must not be changed
// once a table or a forwarder has it.
type Route struct {
	// Path is the prefix, matched by whole segments: "/api/" and "/api" are the same and take /api
	// and /api/x, never /apix. It is compared with paths as clients send them, so it is written
	// without escapes.
	Path string
	// Exact takes Path alone, as it is written; it goes before a prefix of the same path.
	Exact bool
	// CaseSensitive says that the upstream tells names apart by case: a path that differs from this
	// or another route's in case alone is then no reason to refuse it.
	CaseSensitive bool
	// Host is the only Host header the route is for, in lower case; empty: the gateway's own.
	Host string

	// StripPrefix is cut from the front of the path before it goes upstream: Path or the beginning
	// of it, in whole segments. A static route always strips its whole Path.
	StripPrefix string
	// Rewrite is put in the place of Path before the request goes upstream. Not together with
	// StripPrefix.
	Rewrite string

	// Upstream is where requests go. Either its Addresses or Static is set.
	Upstream Upstream
	// Static is the folder to serve at Path.
	Static fs.FS

	Access  Access
	Headers Headers
	Body    Body
}

// Access says who may ask a route for what. The zero value wants a session, and takes every method
// that [Route.AllowsMethod] does not exclude.
type Access struct {
	// Methods, if any, are the only ones allowed, in upper case. GET brings HEAD with it (RFC 9110
	// §9.3.2). See [Route.AllowsMethod] for those that need to be listed, or cannot be.
	Methods []string

	Session         SessionMode
	Unauthenticated Unauthenticated
	Require         Require
	// Bearer lets a client's own Authorization header through when the caller sets none. The caller
	// has checked it by then: the forwarder does not.
	Bearer bool
	// CORS is for pages of other origins. nil: the caller's own rules.
	CORS *CORS

	// Blocked are paths, as they would be appended to an upstream's URL, that no request may reach
	// whatever its method and spelling: [Table.Match] knows no route for them.
	Blocked []string

	// API is the API with a login of its own that the route leads to. nil: it leads to none, or what
	// the API answers is nobody's business.
	API *API
	// Captures are the paths at which an API's answers begin sessions; nil: there are none.
	Captures *Captures
}

// API is what is known of an API that answers a login with tokens. Its other answers must not give
// one to a page.
type API struct {
	Mask      *masking.Rules
	Known     *masking.Family // its tokens, by what was seen of them
	Providers []string        // whose sessions have such tokens, by name
}

// Headers change messages beyond what always holds.
type Headers struct {
	// Request and Response are applied after all other rules.
	Request, Response HeaderRules
	// CSP is the Content-Security-Policy of a static route's pages; empty: the caller's.
	CSP string
}

// Body bounds request bodies.
type Body struct {
	// Limit is the largest request body in bytes. 0: no limit. [NoBody]: none at all.
	Limit int64
	// Rate is how many bytes of a request body a client must send per second, on average and after
	// the first 30 s. Only the time in which it is waited for counts. 0: any. Upgraded connections
	// are not bodies.
	Rate int64
}

// MaxUpstreams is how many addresses a route may have.
const MaxUpstreams = 64

// Check returns everything that is wrong with the route.
func (r *Route) Check() error {
	errs := []error{checkPrefix(r.Path)}
	if r.StripPrefix != "" {
		errs = append(errs, checkPrefix(r.StripPrefix))
		if !Under(trimSlash(r.Path), trimSlash(r.StripPrefix)) {
			errs = append(errs, fmt.Errorf("strip_prefix %q is not the beginning of the path", r.StripPrefix))
		}
	}
	if r.Rewrite != "" {
		errs = append(errs, checkPrefix(r.Rewrite))
		if r.StripPrefix != "" || r.Static != nil {
			errs = append(errs, errors.New("rewrite stands beside strip_prefix or static"))
		}
	}
	if r.Host != strings.ToLower(r.Host) || strings.ContainsAny(r.Host, "/@ ") {
		errs = append(errs, fmt.Errorf("host %q is not a host in lower case", r.Host))
	}
	if strings.ContainsFunc(r.Upstream.Host, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("/@?#\\,", c) }) {
		errs = append(errs, fmt.Errorf("upstream host %q is not a host", r.Upstream.Host))
	}
	errs = append(errs, r.Headers.Request.check(true), r.Headers.Response.check(false))
	if (len(r.Upstream.Addresses) > 0) == (r.Static != nil) {
		errs = append(errs, errors.New("needs either upstreams or static"))
	}
	for _, u := range r.Upstream.Addresses {
		errs = append(errs, checkUpstream(u))
	}
	if len(r.Upstream.Addresses) > MaxUpstreams {
		errs = append(errs, fmt.Errorf("%d upstreams are more than %d", len(r.Upstream.Addresses), MaxUpstreams))
	}
	for _, m := range r.Access.Methods {
		if m == "" || m != strings.ToUpper(m) || !isToken(m) {
			errs = append(errs, fmt.Errorf("method %q is not an upper-case method name", m))
		}
		if neverForwarded(m) {
			errs = append(errs, fmt.Errorf("method %s is never forwarded", m))
		}
	}
	if r.Upstream.Timeout < 0 || r.Body.Limit < NoBody || r.Body.Rate < 0 || r.Access.Require.AuthAge < 0 {
		errs = append(errs, errors.New("timeout, body_limit, body_rate and auth_age cannot be negative"))
	}
	return errors.Join(errs...)
}

// checkPrefix refuses prefixes that could never match, or match only some spellings of a path.
func checkPrefix(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Errorf("path %q must begin with /", p)
	case strings.ContainsAny(p, "%;\\?# \t") || !printable(p):
		return fmt.Errorf("path %q must be plain text: no escapes, no ; ? # \\ or spaces", p)
	case strings.Contains(p, "//"):
		return fmt.Errorf("path %q has an empty segment", p)
	}
	for seg := range strings.SplitSeq(p, "/") {
		if seg == "." || seg == ".." {
			return fmt.Errorf("path %q has a dot segment", p)
		}
	}
	return nil
}

// checkUpstream wants an address and at most a path. The URL itself is not quoted: it may hold a
// password.
func checkUpstream(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("upstream is empty")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("upstream %s: the scheme must be http or https", u.Redacted())
	case u.Host == "" || u.Opaque != "":
		return fmt.Errorf("upstream %s: the host is missing", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("upstream %s: only scheme, host, port and path can be given", u.Redacted())
	}
	return checkBase(u)
}

// checkBase refuses a base path that would begin the upstream's path with "//" or climb.
func checkBase(u *url.URL) error {
	p := u.EscapedPath()
	if strings.Contains(p, "//") || strings.Contains(p+"/", "/./") || strings.Contains(p+"/", "/../") {
		return fmt.Errorf("upstream %s: the path has an empty or a dot segment", u.Redacted())
	}
	return nil
}

// NoBody as [Body].Limit refuses every request that has a body.
const NoBody = -1

// MaxBody is the largest request body that the route takes, in bytes; 0 is none.
func (r *Route) MaxBody() int64 {
	switch r.Body.Limit {
	case 0:
		return math.MaxInt64
	case NoBody:
		return 0
	}
	return r.Body.Limit
}

// PublicPrefix is what the route cuts off the front of a path before the request goes upstream. It
// has no final slash, unless the route is for that one path.
func (r *Route) PublicPrefix() string {
	switch {
	case r.Rewrite != "" && r.Exact:
		return r.Path
	case r.Rewrite != "":
		return trimSlash(r.Path)
	}
	return trimSlash(r.StripPrefix)
}

// UpstreamPrefix is what the route puts in the place of [Route.PublicPrefix]; "" puts nothing
// there.
func (r *Route) UpstreamPrefix() string {
	if r.Exact {
		return r.Rewrite
	}
	return trimSlash(r.Rewrite)
}
