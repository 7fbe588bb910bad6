package demoapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session/token"
)

// tokenIssuer mints tokens and publishes its keys, as a gateway does.
type tokenIssuer struct {
	minter *token.Minter
	ring   *token.Ring
	jwks   *httptest.Server
	down   atomic.Bool
}

const (
	testIssuer   = "https://issuer.example"
	testAudience = "demo"
)

func newIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	issuer := &tokenIssuer{ring: newRing(t)}
	var err error
	if issuer.minter, err = token.NewMinter(testIssuer, issuer.ring); err != nil {
		t.Fatal(err)
	}
	issuer.jwks = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		document, ok := issuer.ring.JWKS()
		if !ok || issuer.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Write(document)
	}))
	t.Cleanup(issuer.jwks.Close)
	return issuer
}

func newRing(t *testing.T) *token.Ring {
	t.Helper()
	pem, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParseSigningKey("k1", pem)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing([]token.SigningKey{key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// mint returns a good token of ada's, after edit has changed it.
func (i *tokenIssuer) mint(t *testing.T, edit func(*token.Claims)) string {
	t.Helper()
	now := time.Now()
	claims := token.Claims{
		Subject: "ada", Audience: []string{testAudience}, ClientID: "gateway", ID: "jti-1", Name: "Ada",
		Roles: []string{"user"}, Scopes: []string{"read", "write"}, Times: token.Times{IssuedAt: now, ExpiresAt: now.Add(time.Minute)},
	}
	if edit != nil {
		edit(&claims)
	}
	raw, err := i.minter.Mint(claims)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// startAPI runs the API on a port of its own and returns it with its base URL.
func startAPI(t *testing.T, issuer *tokenIssuer) (*API, string) {
	t.Helper()
	verifier, err := token.NewVerifier(token.VerifierOptions{
		Keys:   token.NewRemoteKeys(issuer.jwks.URL, nil, nil),
		Issuer: testIssuer, Audience: []string{testAudience}, Leeway: Leeway,
	})
	if err != nil {
		t.Fatal(err)
	}
	api := New(verifier, nil, slog.New(slog.DiscardHandler))
	api.tick = time.Millisecond
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	t.Cleanup(api.endStreams)
	return api, server.URL
}

// call sends a request with these header lines and returns the answer with its body read.
func call(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func TestRefusesTokens(t *testing.T) {
	issuer := newIssuer(t)
	stranger := &tokenIssuer{}
	stranger.minter, _ = token.NewMinter(testIssuer, newRing(t))
	impostor := &tokenIssuer{}
	impostor.minter, _ = token.NewMinter("https://other.example", issuer.ring)
	_, base := startAPI(t, issuer)
	good := issuer.mint(t, nil)
	expired := issuer.mint(t, func(c *token.Claims) {
		c.IssuedAt, c.ExpiresAt = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute/2)
	})
	foreign := issuer.mint(t, func(c *token.Claims) { c.Audience = []string{"somebody else"} })
	const invalid = `Bearer error="invalid_token"`
	cases := map[string]struct {
		headers   []string
		status    int
		challenge string
	}{
		"no token":             {nil, 401, "Bearer"},
		"another scheme":       {[]string{"Authorization: Basic YTpi"}, 401, "Bearer"},
		"empty token":          {[]string{"Authorization: Bearer "}, 401, "Bearer"},
		"garbage":              {[]string{"Authorization: Bearer a.b.c"}, 401, invalid},
		"expired":              {[]string{"Authorization: Bearer " + expired}, 401, invalid},
		"another audience":     {[]string{"Authorization: Bearer " + foreign}, 401, invalid},
		"another issuer":       {[]string{"Authorization: Bearer " + impostor.mint(t, nil)}, 401, invalid},
		"another issuer's key": {[]string{"Authorization: Bearer " + stranger.mint(t, nil)}, 401, invalid},
		"two headers": {
			[]string{"Authorization: Bearer " + good, "Authorization: Bearer " + good},
			400, `Bearer error="invalid_request"`,
		},
		"good":              {[]string{"Authorization: Bearer " + good}, 200, ""},
		"scheme's own case": {[]string{"Authorization: bEARER " + good}, 200, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/api/me", "/api/echo"} {
				response, body := call(t, "GET", base+path, "", c.headers...)
				if response.StatusCode != c.status || response.Header.Get("WWW-Authenticate") != c.challenge {
					t.Errorf("%s: %d, challenge %q; want %d, %q", path, response.StatusCode,
						response.Header.Get("WWW-Authenticate"), c.status, c.challenge)
				}
				if c.status != 200 {
					checkProblem(t, response, body)
				}
			}
		})
	}
	response, _ := call(t, "GET", base+"/nowhere", "")
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("unknown path without a token: %d, want 401", response.StatusCode)
	}
}

func checkProblem(t *testing.T, response *http.Response, body string) {
	t.Helper()
	var problem struct {
		Title, Detail, Code string
		Status              int
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		t.Fatalf("problem %q: %v", body, err)
	}
	if problem.Status != response.StatusCode || problem.Title == "" || problem.Detail == "" || problem.Code == "" {
		t.Errorf("problem = %s", body)
	}
	if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestWithoutKeysIsNotTheTokensFault(t *testing.T) {
	issuer := newIssuer(t)
	issuer.down.Store(true)
	_, base := startAPI(t, issuer)
	response, body := call(t, "GET", base+"/api/me", "", "Authorization: Bearer "+issuer.mint(t, nil))
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || response.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("answer %d %v, want 503 with Retry-After and no challenge", response.StatusCode, response.Header)
	}
	checkProblem(t, response, body)
}

func TestMe(t *testing.T) {
	issuer := newIssuer(t)
	_, base := startAPI(t, issuer)
	raw := issuer.mint(t, nil)
	_, body := call(t, "GET", base+"/api/me", "", "Authorization: Bearer "+raw)
	var me struct {
		Sub, Name, Scope string
		Roles            []string
		Exp              int64
	}
	if err := json.Unmarshal([]byte(body), &me); err != nil {
		t.Fatal(err)
	}
	if me.Sub != "ada" || me.Name != "Ada" || me.Scope != "read write" || !slices.Equal(me.Roles, []string{"user"}) || me.Exp == 0 {
		t.Errorf("me = %s", body)
	}
	if strings.Contains(body, raw) {
		t.Error("the answer holds the token")
	}
}

func TestEchoShowsWhatArrived(t *testing.T) {
	issuer := newIssuer(t)
	_, base := startAPI(t, issuer)
	raw := issuer.mint(t, nil)
	cases := map[string]struct {
		method, target, path string
		query                *string
		body                 string
	}{
		"plain":           {"GET", "/api/echo", "/api/echo", nil, ""},
		"empty query":     {"GET", "/api/echo?", "/api/echo", new(""), ""},
		"bytes kept":      {"POST", "/api/echo/a%2Fb/%c3%A4+?q=a+b%20c&é", "/api/echo/a%2Fb/%c3%A4+", new("q=a+b%20c&é"), "grüße\n"},
		"dots and double": {"PUT", "/api/echo//x/../y;z", "/api/echo//x/../y;z", nil, "{}"},
		"any method":      {"BREW", "/api/echo", "/api/echo", nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			echo := rawEcho(t, base, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: demo.test\r\nAuthorization: Bearer %s\r\n"+
				"Cookie: app=1; theme=dark\r\nX-Twice: a\r\nX-Twice: b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
				c.method, c.target, raw, len(c.body), c.body))
			if echo.Method != c.method || echo.Path != c.path || echo.Body != c.body {
				t.Errorf("echo %q %q %q, want %q %q %q", echo.Method, echo.Path, echo.Body, c.method, c.path, c.body)
			}
			if (echo.Query == nil) != (c.query == nil) || (echo.Query != nil && *echo.Query != *c.query) {
				t.Errorf("query %v, want %v", echo.Query, c.query)
			}
			checkEcho(t, echo, raw)
		})
	}
}

// rawEcho writes the request as it stands, because http.Client would tidy it up.
func rawEcho(t *testing.T, base, request string) echoAnswer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	_, sent, _ := strings.Cut(request, "Bearer ")
	sent, _, _ = strings.Cut(sent, "\r\n")
	if bytes.Contains(body, []byte(sent)) {
		t.Error("echo gives the token away")
	}
	var echo echoAnswer
	if err := json.Unmarshal(body, &echo); err != nil {
		t.Fatalf("%d %s: %v", response.StatusCode, body, err)
	}
	return echo
}

func checkEcho(t *testing.T, echo echoAnswer, raw string) {
	t.Helper()
	short := fingerprint(raw)
	if len(short) != 8 || echo.Token.Fingerprint != short || echo.Token.Subject != "ada" || echo.Token.ID != "jti-1" ||
		time.Until(time.Unix(echo.Token.Expires, 0)) <= 0 {
		t.Errorf("token = %+v, want fingerprint %s", echo.Token, short)
	}
	for name, want := range map[string][]string{
		"authorization": {short}, "cookie": {"app=1; theme=dark"}, "x-twice": {"a", "b"}, "host": {"demo.test"},
	} {
		if !slices.Equal(echo.Headers[name], want) {
			t.Errorf("header %s = %q, want %q", name, echo.Headers[name], want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	if got := fingerprint("abc"); got != "ba7816bf" { // FIPS 180-2, example B.1
		t.Errorf("fingerprint(abc) = %s", got)
	}
}

func TestEchoBodies(t *testing.T) {
	issuer := newIssuer(t)
	_, base := startAPI(t, issuer)
	auth := "Authorization: Bearer " + issuer.mint(t, nil)
	response, _ := call(t, "POST", base+"/api/echo", strings.Repeat("x", bodyLimit), auth)
	if response.StatusCode != http.StatusOK {
		t.Errorf("1 MiB: %d", response.StatusCode)
	}
	response, body := call(t, "POST", base+"/api/echo", strings.Repeat("x", bodyLimit+1), auth)
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("1 MiB and a byte: %d", response.StatusCode)
	}
	checkProblem(t, response, body)
	_, body = call(t, "POST", base+"/api/echo", "\xff\x00", auth)
	if !strings.Contains(body, `"body":"","body_base64":"/wA="`) {
		t.Errorf("bytes that are not UTF-8: %s", body)
	}
}

func TestAdminMetrics(t *testing.T) {
	issuer := newIssuer(t)
	_, base := startAPI(t, issuer)
	response, body := call(t, "GET", base+"/api/admin/metrics", "", "Authorization: Bearer "+issuer.mint(t, nil))
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("role user: %d, want 403", response.StatusCode)
	}
	checkProblem(t, response, body)
	admin := issuer.mint(t, func(c *token.Claims) { c.Roles = []string{"user", "admin"} })
	response, body = call(t, "GET", base+"/api/admin/metrics", "", "Authorization: Bearer "+admin)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, `"requests":2`) {
		t.Errorf("role admin: %d %s", response.StatusCode, body)
	}
}

func TestSlow(t *testing.T) {
	issuer := newIssuer(t)
	api, base := startAPI(t, issuer)
	auth := "Authorization: Bearer " + issuer.mint(t, nil)
	for target, want := range map[string]int{
		"/api/slow?ms=1": 200, "/api/slow?ms=0": 200,
		"/api/slow": 400, "/api/slow?ms=-1": 400, "/api/slow?ms=1s": 400, "/api/slow?ms=99999999999": 400,
	} {
		if response, body := call(t, "GET", base+target, "", auth); response.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", target, response.StatusCode, body, want)
		}
	}
	// A client that leaves ends the wait: the handler returns long before the minute is over.
	ctx, leave := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		r := httptest.NewRequestWithContext(ctx, "GET", "/api/slow?ms=2000000000", nil)
		r.Header.Set("Authorization", strings.TrimPrefix(auth, "Authorization: "))
		api.ServeHTTP(httptest.NewRecorder(), r)
	}()
	leave()
	select {
	case <-returned:
	case <-time.After(20 * time.Second):
		t.Error("slow goes on without its client")
	}
}

func TestStatus(t *testing.T) {
	issuer := newIssuer(t)
	_, base := startAPI(t, issuer)
	auth := "Authorization: Bearer " + issuer.mint(t, nil)
	for path, want := range map[string]int{
		"200": 200, "204": 204, "205": 205, "301": 301, "304": 304, "404": 404, "418": 418, "503": 503, "599": 599,
		"100": 400, "600": 400, "x": 400, "-1": 400, "2e2": 400,
	} {
		response, body := call(t, "POST", base+"/api/status/"+path, "", auth)
		if response.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", path, response.StatusCode, body, want)
		}
	}
	response, _ := call(t, "GET", base+"/api/status/401", "", auth)
	if got := response.Header.Get("WWW-Authenticate"); response.StatusCode != 401 || got != `Bearer error="invalid_token"` {
		t.Errorf("401: %d, challenge %q", response.StatusCode, got)
	}
}
