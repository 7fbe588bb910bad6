package proxy

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

// GatewayHeaders holds the header values the gateway itself vouches for. An empty string sends no
// such header.
type GatewayHeaders struct {
	Bearer      string     // the whole Authorization value, "Bearer …", ready to send
	Credential  Credential // what carries the token in place of Bearer; nil: nothing
	ClientIP    string     // X-Forwarded-For
	Host        string     // X-Forwarded-Host
	Proto       string     // X-Forwarded-Proto
	RequestID   string     // X-Request-Id
	TraceParent string     // traceparent, always a new one: the browser's is not trusted

	Fields []routing.Field // for the claims among the route's request headers
}

// Token is how a request carries a session's token. The zero value says that there is none.
type Token struct {
	Bearer     string     // the whole Authorization value, "Bearer …", ready to send
	Credential Credential // in place of Bearer; nil: none
}

// Credential is another way to carry a token than Authorization. What a client sent under one of its
// names never reaches an upstream. The names and values are ready to send; one without a value is
// not sent.
type Credential interface {
	Fields(visit func(name, value string) bool)
	Cookies(visit func(name, value string) bool)
}

func (t Token) given() bool { return t.Bearer != "" || t.Credential != nil }

// put writes the token into a request in place of what stands at its places.
func (t Token) put(fields []client.Field) []client.Field {
	if t.Bearer != "" {
		fields = put(fields, client.Field{Name: "Authorization", Value: t.Bearer})
	}
	if t.Credential == nil {
		return fields
	}
	return putCredential(fields, t.Credential)
}

func putCredential(fields []client.Field, c Credential) []client.Field {
	for name, value := range c.Fields {
		fields = slices.DeleteFunc(fields, func(old client.Field) bool { return hyphenated(old.Name) == name })
		if value != "" {
			fields = append(fields, client.Field{Name: name, Value: value})
		}
	}
	return putCookies(fields, c)
}

// carries reports whether a name is one of the credential's.
func carries(c Credential, name string) bool {
	if c == nil {
		return false
	}
	for own := range c.Fields {
		if hyphenated(name) == own {
			return true
		}
	}
	return false
}

// String hides the token.
func (f GatewayHeaders) String() string { return "Forward{RequestID: " + f.RequestID + "}" }

// GoString hides the token from %#v.
func (f GatewayHeaders) GoString() string { return f.String() }

// HeaderPolicy says what [buildRequest] does beyond the rules that always hold.
type HeaderPolicy struct {
	// Cookies are the names of the gateway's own cookies, which no upstream sees.
	Cookies []string
	// KeepAuthorization leaves the client's Authorization where Forward has no Bearer.
	KeepAuthorization bool
	// DropMethodOverride drops X-Http-Method-Override and its like: a framework that obeys them
	// would skip the route's list of methods.
	DropMethodOverride bool
	// Drop are further names to drop, in canonical form.
	Drop []string
	// AllowUpgrade keeps "Upgrade: websocket".
	AllowUpgrade bool
}

// buildRequest appends to a list the fields that an upstream gets of a client's request header,
// which stays as it is:
//
//   - hop-by-hop headers go, the ones Connection names included (RFC 9110 §7.6.1), but "TE:
//     trailers" and, if allowed, a WebSocket upgrade. No Connection header can name one of ours,
//     because ours are added to what is left;
//   - credentials, forwarding, tracing and identity headers go, in whatever spelling: many servers
//     read _ as -;
//   - a header that overrides the method with one that is never forwarded goes;
//   - the gateway's cookies go, the application's stay as they are;
//   - what frames the message is left to whoever writes it;
//   - the headers of f are added.
func buildRequest(to []client.Field, h http.Header, policy *HeaderPolicy, f *GatewayHeaders) []client.Field {
	named := namedFields(h)
	for name, values := range h {
		switch {
		case name == "Te":
			if hasToken(values, "trailers") {
				to = append(to, client.Field{Name: "Te", Value: "trailers"})
			}
		case isHopByHop(name), name == "Content-Length", name == "Host", policy.drops(name), name == "Authorization" && f.Bearer != "":
		case len(named) > 0 && hasToken(named, name), overridesBadly(name, values):
		case name == "Cookie":
			to = appendCookies(to, values, policy.Cookies)
		default:
			for _, v := range values {
				to = append(to, client.Field{Name: name, Value: v})
			}
		}
	}
	if policy.AllowUpgrade && isWebSocket(h) {
		to = append(to, client.Field{Name: "Connection", Value: "Upgrade"}, client.Field{Name: "Upgrade", Value: "websocket"})
	}
	return f.append(to)
}

func (f *GatewayHeaders) append(to []client.Field) []client.Field {
	for _, own := range [...]client.Field{
		{Name: "Authorization", Value: f.Bearer},
		{Name: "X-Forwarded-For", Value: f.ClientIP},
		{Name: "X-Forwarded-Host", Value: f.Host},
		{Name: "X-Forwarded-Proto", Value: f.Proto},
		{Name: "X-Request-Id", Value: f.RequestID},
		{Name: "Traceparent", Value: f.TraceParent},
	} {
		if own.Value != "" {
			to = append(to, own)
		}
	}
	return to
}

// put replaces what stands under a name.
func put(fields []client.Field, f client.Field) []client.Field {
	fields = slices.DeleteFunc(fields, func(old client.Field) bool { return old.Name == f.Name })
	return append(fields, f)
}

// drops reports whether a header of this name is kept from the upstream. name is canonical as
// net/http leaves it, which makes X_roles of X_Roles.
func (policy *HeaderPolicy) drops(name string) bool {
	if name == "Authorization" {
		return !policy.KeepAuthorization
	}
	if len(policy.Drop) > 0 && policy.isListed(name) {
		return true
	}
	if strings.IndexByte(name, '_') >= 0 {
		name = hyphenated(name)
		return routing.IsFraming(name) || isOurs(name) || policy.DropMethodOverride && isMethodOverride(name)
	}
	return isOurs(name) || policy.DropMethodOverride && isMethodOverride(name)
}

func (policy *HeaderPolicy) isListed(name string) bool {
	name = hyphenated(name)
	return slices.ContainsFunc(policy.Drop, func(d string) bool { return hyphenated(d) == name })
}

// hyphenated is a canonical name as servers see it that read _ as -.
func hyphenated(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// isOurs reports whether the header carries something that only the gateway may tell an upstream:
// who the user is, where the request came from, what it asked for. The names are the ones common
// proxies set and frameworks believe.
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
		"X-Sessiongate-", "X-Ssl-Client-", "X-Webauth-", "X-Goog-Authenticated-", "X-Goog-Iap-", "X-Ms-Client-Principal", "X-Ms-Token-")
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

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// isHopByHop lists what concerns only the connection a message came on (RFC 9110 §7.6.1), whether
// Connection names it or not.
func isHopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// namedFields returns the lists of the Connection header. Nearly always there is one word in it
// that names no field.
func namedFields(h http.Header) []string {
	named := h["Connection"]
	if len(named) == 1 && (named[0] == "keep-alive" || named[0] == "close") {
		return nil
	}
	return named
}

// dropHopByHop removes them from a response's header.
func dropHopByHop(h http.Header) {
	named := namedFields(h)
	for name := range h {
		if isHopByHop(name) || len(named) > 0 && hasToken(named, name) {
			delete(h, name)
		}
	}
}

// isWebSocket reports whether the header asks for a WebSocket and nothing else (RFC 6455 §4.2.1). A
// list of protocols is refused: the upstream could pick another one than we understood.
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
