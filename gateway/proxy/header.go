package proxy

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Forward holds the header values the gateway itself vouches for. An empty string sends no such header.
type Forward struct {
	Bearer      string // the whole Authorization value, "Bearer …", ready to send
	ClientIP    string // X-Forwarded-For
	Host        string // X-Forwarded-Host
	Proto       string // X-Forwarded-Proto
	RequestID   string // X-Request-Id
	TraceParent string // traceparent, always a new one: the browser's is not trusted

	Fields []Field // for the route's RequestHeaders.Claims
}

// String hides the token.
func (f Forward) String() string { return "Forward{RequestID: " + f.RequestID + "}" }

// GoString hides the token from %#v.
func (f Forward) GoString() string { return f.String() }

// Hygiene says what [Outbound] does beyond the rules that always hold.
type Hygiene struct {
	// Cookies are the names of the gateway's own cookies, which no upstream sees.
	Cookies []string
	// KeepAuthorization leaves the client's Authorization where Forward has no Bearer.
	KeepAuthorization bool
	// DropMethodOverride drops X-Http-Method-Override and its like: a framework that obeys them would skip the
	// route's list of methods.
	DropMethodOverride bool
	// Drop are further names to drop, in canonical form.
	Drop []string
	// AllowUpgrade keeps "Upgrade: websocket".
	AllowUpgrade bool
}

// Outbound turns a client's request header into the one the upstream gets, in place:
//
//   - hop-by-hop headers go, the ones Connection names included (RFC 9110 §7.6.1), but "TE: trailers" and, if allowed,
//     a WebSocket upgrade. This comes first, so that no Connection header can name one of ours;
//   - credentials, forwarding, tracing and identity headers go, in whatever spelling: many servers read _ as -;
//   - the gateway's cookies go, the application's stay as they are;
//   - the headers of f are set.
func Outbound(h http.Header, rules Hygiene, f Forward) {
	dropHopByHop(h, rules.AllowUpgrade)
	for name := range h {
		if rules.drops(name) {
			delete(h, name)
		}
	}
	stripCookies(h, rules.Cookies)
	f.set(h)
}

// set writes the header; the values share one allocation.
func (f *Forward) set(h http.Header) {
	v := make([]string, 0, 6)
	for _, field := range [...]struct{ name, value string }{
		{"Authorization", f.Bearer},
		{"X-Forwarded-For", f.ClientIP},
		{"X-Forwarded-Host", f.Host},
		{"X-Forwarded-Proto", f.Proto},
		{"X-Request-Id", f.RequestID},
		{"Traceparent", f.TraceParent},
	} {
		if field.value != "" {
			v = append(v, field.value)
			h[field.name] = v[len(v)-1 : len(v) : len(v)]
		}
	}
}

// drops reports whether a header of this name is kept from the upstream. name is canonical as net/http leaves it,
// which makes X_roles of X_Roles.
func (rules *Hygiene) drops(name string) bool {
	if name == "Authorization" {
		return !rules.KeepAuthorization
	}
	if len(rules.Drop) > 0 && rules.listed(name) {
		return true
	}
	if strings.IndexByte(name, '_') >= 0 {
		name = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
		return isFraming(name) || isOurs(name) || rules.DropMethodOverride && isMethodOverride(name)
	}
	return isOurs(name) || rules.DropMethodOverride && isMethodOverride(name)
}

func (rules *Hygiene) listed(name string) bool {
	if strings.IndexByte(name, '_') >= 0 {
		name = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	return slices.ContainsFunc(rules.Drop, func(d string) bool {
		return d == name || strings.IndexByte(d, '_') >= 0 && textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(d, "_", "-")) == name
	})
}

// isFraming lists what only its own spelling may say: with an underscore it is an attempt to say it twice.
func isFraming(name string) bool {
	switch name {
	case "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Host", "Expect", "Keep-Alive", "Te",
		"Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isOurs reports whether the header carries something that only the gateway may tell an upstream: who the user is,
// where the request came from, what it asked for. The names are the ones common proxies set and frameworks believe.
func isOurs(name string) bool {
	if !strings.HasPrefix(name, "X-") {
		return isOursPlain(name)
	}
	switch name {
	case "X-Access-Token", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Email", "X-Forwarded", "X-Group", "X-Groups", "X-Host",
		"X-Id-Token", "X-Jwt-Assertion", "X-Original-For", "X-Original-Forwarded-For", "X-Original-Host",
		"X-Original-Method", "X-Original-Proto", "X-Original-Uri", "X-Original-Url", "X-Real-Ip",
		"X-Request-Id", "X-Rewrite-Url", "X-Role", "X-Roles", "X-Scope",
		"X-Scopes", "X-Subject", "X-User", "X-Userid", "X-Username", "X-Userinfo":
		return true
	case "X-User-Agent": // gRPC-Web's own user agent
		return false
	}
	return hasAnyPrefix(name, "X-Forwarded-", "X-User-", "X-Auth-", "X-Authenticated-", "X-Remote-", "X-Client-Cert",
		"X-Ssl-Client-", "X-Webauth-", "X-Goog-Authenticated-", "X-Goog-Iap-", "X-Ms-Client-Principal", "X-Ms-Token-")
}

func isOursPlain(name string) bool {
	switch name {
	case "Dpop", "Forwarded", "Proxy", "Proxy-Authorization", "Remote-Addr", "Remote-Email", "Remote-Groups",
		"Remote-Name", "Remote-User", "Traceparent", "Tracestate", "True-Client-Ip", "Client-Ip", "Client-Cert",
		"Client-Cert-Chain", "Cf-Connecting-Ip":
		return true
	}
	return hasAnyPrefix(name, "Ssl-Client-")
}

func isMethodOverride(name string) bool {
	return name == "X-Http-Method-Override" || name == "X-Http-Method" || name == "X-Method-Override" ||
		name == "X-Method"
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// dropHopByHop removes what concerns only the connection a message came on.
func dropHopByHop(h http.Header, allowUpgrade bool) {
	upgrade := allowUpgrade && isWebSocket(h)
	trailers := hasToken(h["Te"], "trailers")
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range [...]string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade",
	} {
		delete(h, name)
	}
	if trailers {
		h["Te"] = []string{"trailers"}
	}
	if upgrade {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
}

// isWebSocket reports whether the header asks for a WebSocket and nothing else (RFC 6455 §4.2.1). A list of protocols
// is refused: the upstream could pick another one than we understood.
func isWebSocket(h http.Header) bool {
	u := h["Upgrade"]
	return len(u) == 1 && strings.EqualFold(u[0], "websocket") && hasToken(h["Connection"], "upgrade")
}

// hasToken looks for a token in comma-separated lists, case-insensitively.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(t), token) {
				return true
			}
		}
	}
	return false
}
