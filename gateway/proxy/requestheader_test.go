package proxy

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var ourCookies = []string{"__Host-session", "__Host-login"}

// outbound turns a header into what the upstream gets of it.
func outbound(h http.Header, policy HeaderPolicy, f GatewayHeaders) {
	fields := buildRequest(nil, h, &policy, &f)
	clear(h)
	for _, field := range fields {
		h[field.Name] = append(h[field.Name], field.Value)
	}
}

func TestOutboundDrops(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
		"X-Forwarded-User", "Forwarded", "X-Real-Ip", "X-Request-Id", "Traceparent", "Tracestate", "X-User", "X-User-Id", "X-Roles",
		"X-Groups", "X-Email", "X-Auth-User", "X-Auth-Request-Email", "Remote-User", "X-Remote-User", "X-Original-Url", "X-Rewrite-Url",
		"X-Original-Uri", "Dpop", "Proxy", "Keep-Alive", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Connection", "Proxy-Connection",
		"X_roles", "X_user-Id", "X_forwarded_for", "Remote_user", "Content_length", "Transfer_encoding", "X_Request_id", "X__user", "Authorization_",
	} {
		h := http.Header{name: {"forged"}, "Accept": {"a/b"}}
		if name == "X__user" || name == "Authorization_" { // read as X--User and Authorization-: nobody's names
			continue
		}
		outbound(h, HeaderPolicy{Cookies: ourCookies}, GatewayHeaders{})
		if _, ok := h[name]; ok || len(h) != 1 {
			t.Errorf("%s got through: %v", name, h)
		}
	}
}

func TestOutboundKeeps(t *testing.T) {
	h := http.Header{
		"Accept": {"a", "b"}, "X-Custom": {""}, "X-User-Agent": {"grpc-web"}, "X-Http-Method-Override": {"PUT"}, "X_custom": {"1"},
		"Origin": {"https://a"}, "Range": {"bytes=0-1"}, "X-Requested-With": {"x"}, "Cookie": {"a=1"},
	}
	want := maps.Clone(h)
	outbound(h, HeaderPolicy{Cookies: ourCookies}, GatewayHeaders{})
	if fmt.Sprint(h) != fmt.Sprint(want) {
		t.Errorf("got %v", h)
	}
	outbound(h, HeaderPolicy{DropMethodOverride: true}, GatewayHeaders{})
	if h["X-Http-Method-Override"] != nil {
		t.Error("method override kept")
	}
}

func TestOutboundSets(t *testing.T) {
	h := http.Header{
		"Connection":    {"Authorization, X-Forwarded-For", "close, Traceparent,X-Hop"},
		"Authorization": {"Bearer forged"}, "X-Hop": {"1"}, "Te": {"gzip, trailers"},
	}
	f := GatewayHeaders{Bearer: "Bearer real", ClientIP: "192.0.2.1", Host: "app", Proto: "https", RequestID: "r1", TraceParent: "00-t"}
	outbound(h, HeaderPolicy{}, f)
	want := http.Header{
		"Authorization": {"Bearer real"}, "X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Host": {"app"}, "X-Forwarded-Proto": {"https"},
		"X-Request-Id": {"r1"}, "Traceparent": {"00-t"}, "Te": {"trailers"},
	}
	if fmt.Sprint(h) != fmt.Sprint(want) {
		t.Errorf("got %v", h)
	}
	if s := fmt.Sprintf("%v %+v %#v", f, f, f); strings.Contains(s, "real") {
		t.Errorf("the token shows: %s", s)
	}
}

func TestOutboundKeepsAuthorizationOnRequest(t *testing.T) {
	h := http.Header{"Authorization": {"Bearer own"}, "Connection": {"x"}}
	outbound(h, HeaderPolicy{KeepAuthorization: true}, GatewayHeaders{})
	if h.Get("Authorization") != "Bearer own" {
		t.Errorf("got %v", h)
	}
}

func TestOutboundUpgrade(t *testing.T) {
	for _, c := range []struct {
		connection, upgrade string
		allow, want         bool
	}{
		{"keep-alive, Upgrade", "WebSocket", true, true},
		{"Upgrade", "websocket", false, false},
		{"Upgrade, HTTP2-Settings", "h2c", true, false},
		{"Upgrade", "h2c, websocket", true, false},
		{"close", "websocket", true, false},
	} {
		h := http.Header{"Connection": {c.connection}, "Upgrade": {c.upgrade}}
		outbound(h, HeaderPolicy{AllowUpgrade: c.allow}, GatewayHeaders{})
		if got := h.Get("Upgrade") == "websocket" && h.Get("Connection") == "Upgrade"; got != c.want || !got && len(h) > 0 {
			t.Errorf("%+v: %v", c, h)
		}
	}
}

func TestOutboundCookies(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"a=1; b=2"}, []string{"a=1; b=2"}},
		{[]string{"__Host-session=x"}, nil},
		{[]string{"__Host-session=x; a=1; b=2"}, []string{"a=1; b=2"}},
		{[]string{"a=1; __Host-session=x; b=2"}, []string{"a=1; b=2"}},
		{[]string{"a=1; __Host-session=x"}, []string{"a=1"}},
		{[]string{`a="q=1";  b = 2 ;__Host-login=y;__Host-session=z;c`}, []string{`a="q=1";  b = 2 ;c`}},
		{[]string{"__Host-sessions=1; my__Host-session=2; a=__Host-session"}, []string{"__Host-sessions=1; my__Host-session=2; a=__Host-session"}},
		{[]string{"__Host-session=x; __Host-session=y"}, nil},
		{[]string{"a=1", "__Host-session=x", "b=2; \t__HOST-SESSION =x"}, []string{"a=1", "b=2"}},
		{[]string{`a="; __Host-session=x; "`}, []string{`a="; "`}},
		{[]string{"__Host-session"}, nil},
		{[]string{"__Host-session=x; "}, nil},
	} {
		h := http.Header{"Cookie": slices.Clone(c.in)}
		outbound(h, HeaderPolicy{Cookies: ourCookies}, GatewayHeaders{})
		if !slices.Equal(h["Cookie"], c.want) {
			t.Errorf("%q: got %q", c.in, h["Cookie"])
		}
		if _, ok := h["Cookie"]; ok && c.want == nil {
			t.Errorf("%q: an empty header stays", c.in)
		}
	}
}

func FuzzCookies(f *testing.F) {
	f.Add("a=1; b=2", "c")
	f.Add(`x="`, `";;`)
	f.Fuzz(func(t *testing.T, before, after string) {
		h := http.Header{"Cookie": {before + "; __Host-session=SECRET; " + after}}
		outbound(h, HeaderPolicy{Cookies: ourCookies}, GatewayHeaders{})
		if got := h.Get("Cookie"); strings.Contains(got, "SECRET") && !strings.Contains(before+after, "SECRET") {
			t.Fatalf("leaked in %q", got)
		}
		if strings.ContainsAny(before+after, ";_ \t") || before == "" || after == "" {
			return
		}
		if got := h.Get("Cookie"); got != before+"; "+after {
			t.Fatalf("got %q", got)
		}
	})
}

func TestInbound(t *testing.T) {
	h := http.Header{
		"Set-Cookie": {
			"app=1; Path=/", "__Host-session=evil; Secure", "\t __Host-session =evil", "__HOST-session=evil", "=__Host-session=evil",
			"= =__Host-session=evil", "__Host-login", "__Host-session", "__Host-sessionx=1", "a=__Host-session=1",
		},
		"Clear-Site-Data": {`"cache", "cookies"`, `"*"`, `"storage", "Cookies" ,"executionContexts"`},
	}
	filterResponse(h, ourCookies)
	if want := []string{"app=1; Path=/", "__Host-sessionx=1", "a=__Host-session=1"}; !slices.Equal(h["Set-Cookie"], want) {
		t.Errorf("got %q", h["Set-Cookie"])
	}
	if want := []string{`"cache"`, `"storage", "executionContexts"`}; !slices.Equal(h["Clear-Site-Data"], want) {
		t.Errorf("got %q", h["Clear-Site-Data"])
	}
	h = http.Header{
		"Set-Cookie": {"__Host-login=x"}, "Clear-Site-Data": {`"*"`}, "X": {"y"},
		"X-Sessiongate-Problem": {"authentication_required"}, "X-Sessiongate-Upstream": {""}, "X-Sessiongate-Later": {"x"},
	}
	if filterResponse(h, ourCookies); len(h) != 1 {
		t.Errorf("got %v", h)
	}
}
