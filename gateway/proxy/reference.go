package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sessiongate/gateway/routing"
)

// references maps what an upstream says of its own places to where browsers find them. An
// application knows its address and its paths; behind the gateway both are others, and a redirect
// to them would lead out of it, or to another route.
type references struct {
	scheme, host string   // of the public origin; empty: there is none, and nothing is mapped
	sent         bool     // the upstream knows itself by the public host, because its requests say so
	own          []string // the other names that upstreams have for themselves, as normalAuthority has them
	reserved     []string // prefixes that the gateway answers itself
	outer        string   // what of the public path is cut off before a request goes upstream; no slash at its end
}

// sentTo is the path of the request that a reference answers.
type sentTo struct {
	inner string // what the upstream's path begins with in the place of outer: base path and rewrite
	base  string // the base path alone
	path  string // what came after the base path
}

// newReferences is for one route.
func newReferences(route *routing.Route, public *url.URL, reserved []string) *references {
	r := &references{outer: route.PublicPrefix()}
	if public == nil || route.Upstream.KeepReferences {
		return r
	}
	r.scheme, r.host = public.Scheme, public.Host
	if route.Host != "" {
		r.host = route.Host
	}
	for _, p := range reserved {
		r.reserved = append(r.reserved, strings.TrimSuffix(p, "/"))
	}
	for _, u := range route.Upstream.Addresses {
		r.own = append(r.own, normalAuthority(u.Host))
		if name := route.Upstream.Authority(u.Scheme, r.host); name != "" {
			r.own = append(r.own, normalAuthority(name))
		}
	}
	known := normalAuthority(r.host)
	r.sent = slices.Contains(r.own, known)
	r.own = slices.DeleteFunc(r.own, func(a string) bool { return a == known })
	return r
}

// apply maps the references in a response's header.
func (r *references) apply(h http.Header, q sentTo) {
	if r.host == "" {
		return
	}
	for _, name := range [...]string{"Location", "Content-Location"} { // RFC 9110 §10.2.2, §8.7
		for i, v := range h[name] {
			h[name][i] = r.reference(v, q)
		}
	}
	for i, v := range h["Refresh"] {
		h["Refresh"][i] = r.refresh(v, q)
	}
	for i, v := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = r.cookie(v, q)
	}
}

// reference maps a URI reference (RFC 3986 §4.1), and returns every other as it is: that of another
// host, one that is relative to the request's path, one that the gateway answers itself, one in
// which nothing is to be changed, and what is no proper URI, for browsers mend those in ways of
// their own.
func (r *references) reference(text string, q sentTo) string {
	if !printableURI(text) {
		return text
	}
	ref, tail := cutAtAny(text, "?#")
	scheme, rest, absolute := strings.Cut(ref, "://")
	switch {
	case absolute && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")):
		authority, path := cutAtAny(rest, "/")
		if mapped, ok := r.fromAuthority(scheme, authority, path, q); ok {
			return r.scheme + "://" + r.host + mapped + tail
		}
	case strings.HasPrefix(ref, "//"):
		authority, path := cutAtAny(ref[2:], "/")
		if mapped, ok := r.fromAuthority(r.scheme, authority, path, q); ok {
			return "//" + r.host + mapped + tail
		}
	case strings.HasPrefix(ref, "/"):
		if mapped, ok := r.rooted(ref, q); ok {
			return mapped + tail
		}
	}
	return text
}

// fromAuthority maps the path of a reference that names a host.
func (r *references) fromAuthority(scheme, authority, path string, q sentTo) (mapped string, ok bool) {
	path = withoutDots("/" + strings.TrimPrefix(path, "/"))
	switch authority = normalAuthority(authority); {
	case slices.Contains(r.own, authority):
		mapped, ok = r.outward(path, q)
		ok = ok && !r.isReserved(mapped) // our own page would stand there, not the upstream's
	case authority == normalAuthority(r.host) && (r.sent || !strings.EqualFold(scheme, r.scheme)):
		if mapped, ok = r.outward(path, q); !ok || r.isReserved(path) {
			mapped, ok = path, true
		}
	}
	return mapped, ok && !routing.IsNetworkPath(mapped)
}

// rooted maps a reference that begins with a slash. It may be meant for a browser already, so there
// must be a sign that it is not: it lies below what only the upstream's paths begin with, or it is
// the path of the request with more slashes or fewer.
func (r *references) rooted(path string, q sentTo) (mapped string, ok bool) {
	path = withoutDots(path)
	switch {
	case q.inner == r.outer, r.isReserved(path), r.bears(path):
		return "", false
	case q.inner == "" && !sameButSlashes(path, q.base+q.path):
		return "", false
	}
	mapped, ok = r.outward(path, q)
	return mapped, ok && !routing.IsNetworkPath(mapped)
}

// outward maps a path of the upstream's to the browser's.
func (r *references) outward(path string, q sentTo) (string, bool) {
	switch {
	case r.bears(path):
		return path, true
	case !routing.Under(path, q.inner):
		return "", false // no path leads there through this route
	}
	if path = r.outer + path[len(q.inner):]; path == "" {
		path = "/"
	}
	return path, true
}

// bears reports whether a path has the public prefix already: the application knows where it
// stands.
func (r *references) bears(path string) bool { return r.outer != "" && routing.Under(path, r.outer) }

func (r *references) isReserved(path string) bool {
	return slices.ContainsFunc(r.reserved, func(p string) bool { return routing.Under(path, p) })
}

// refresh maps the address in a Refresh header, which is the meta element's content of HTML: 5;
// url=/x
func (r *references) refresh(text string, q sentTo) string {
	at := strings.IndexAny(text, ";,")
	if at < 0 {
		return text
	}
	lead := text[:at+1]
	rest := strings.TrimLeft(text[at+1:], " \t")
	if len(rest) >= 3 && strings.EqualFold(rest[:3], "url") {
		if after := strings.TrimLeft(rest[3:], " \t"); strings.HasPrefix(after, "=") {
			rest = strings.TrimLeft(after[1:], " \t")
		}
	}
	lead += " url="
	quote := ""
	if rest != "" && (rest[0] == '\'' || rest[0] == '"') {
		quote = rest[:1]
		rest, _, _ = strings.Cut(rest[1:], quote)
	}
	rest = strings.TrimRight(rest, " \t")
	mapped := r.reference(rest, q)
	if mapped == rest {
		return text
	}
	return lead + quote + mapped + quote
}

// cookie maps the Path of a Set-Cookie line, and drops a Domain that names the upstream: browsers
// refuse the cookie of another host, and without a Domain it is for the host they ask (RFC 6265
// §5.3).
func (r *references) cookie(line string, q sentTo) string {
	pair, attributes := cutAtAny(line, ";")
	if attributes == "" {
		return line
	}
	kept := []string{pair}
	for attribute := range strings.SplitSeq(attributes[1:], ";") {
		name, value, _ := strings.Cut(attribute, "=")
		switch value = trimBlank(value); {
		case strings.EqualFold(trimBlank(name), "path"):
			if mapped := r.cookiePath(value, q); mapped != value {
				attribute = " Path=" + mapped
			}
		case strings.EqualFold(trimBlank(name), "domain") && r.foreignDomain(value):
			continue
		}
		kept = append(kept, attribute)
	}
	return strings.Join(kept, ";")
}

// cookiePath leaves the root as it is: a cookie for all of the site reaches the route, too.
func (r *references) cookiePath(path string, q sentTo) string {
	if !strings.HasPrefix(path, "/") || path == "/" || r.bears(path) {
		return path
	}
	if mapped, ok := r.outward(path, q); ok {
		return mapped
	}
	return path
}

// foreignDomain reports a Domain that fits a name of the upstream and not the public host.
func (r *references) foreignDomain(domain string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	fits := func(authority string) bool {
		host := (&url.URL{Host: authority}).Hostname()
		return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
	}
	return !fits(strings.ToLower(r.host)) && slices.ContainsFunc(r.own, fits)
}

// normalAuthority is host and port in lower case, without a port that is the default of http or
// https: applications that do not know the scheme mix the two up.
func normalAuthority(a string) string {
	a = strings.ToLower(a)
	return strings.TrimSuffix(strings.TrimSuffix(a, ":80"), ":443")
}

// printableURI reports whether text has no blanks, control characters and backslashes: browsers
// drop line breaks and tabs from a URL, and read a backslash as a slash.
func printableURI(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' })
}

// cutAtAny cuts before the first of the given bytes.
func cutAtAny(s, bytes string) (before, from string) {
	if i := strings.IndexAny(s, bytes); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// withoutDots resolves dot segments as browsers do, encoded ones too (WHATWG URL, "double-dot URL
// path segment").
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") && !containsFold(path, "/%2e") {
		return path
	}
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		switch bare := strings.ReplaceAll(strings.ToLower(s), "%2e", "."); {
		case bare == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case bare != "." && bare != "..":
			kept = append(kept, s)
			continue
		}
		if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// sameButSlashes compares two paths that may be encoded differently.
func sameButSlashes(a, b string) bool {
	segments := func(p string) []string {
		return strings.FieldsFunc(routing.Unescape(p), func(c rune) bool { return c == '/' })
	}
	return slices.Equal(segments(a), segments(b))
}
