package e2e

import (
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
)

// oidcOptions is what a story about OpenID Connect changes.
type oidcOptions struct {
	gateways int
	provider string // further keys of the provider
	more     string // further providers
	routes   string
	session  string
	moving   bool // the clock is the test's
	issuer   string
	origin   string
	secret   string
	upstream http.HandlerFunc // see [options]
}

// oidcEnvironment is an environment whose users sign in at a provider.
type oidcEnvironment struct {
	*environment
	idp *oidctest.Provider
}

func newOIDCEnvironment(t *testing.T, o oidcOptions) *oidcEnvironment {
	t.Helper()
	s := &oidcEnvironment{
		environment: &environment{
			t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(), logs: &logBuffer{},
			options: options{realTime: !o.moving},
		},
		idp: oidctest.New(t),
	}
	t.Cleanup(s.embedded.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("gateway log:\n%s", s.logs)
		}
	})
	s.upstream = newUpstream(t, o.upstream)
	s.handles = newKeys(t, s.dir)
	s.idp.Register(publicOrigin+"/auth/callback/corp", publicOrigin+"/auth/logout/done")
	for range max(1, o.gateways) {
		s.start(s.text(o), program.Overrides{})
	}
	return s
}

// text is the configuration with one provider, corp.
func (s *oidcEnvironment) text(o oidcOptions) string {
	secret := filepath.Join(s.dir, "client")
	if err := os.WriteFile(secret, []byte(or(o.secret, oidctest.ClientSecret)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf(`
server: {public_url: "%[1]s", http1: `+engine()+`, listen: "127.0.0.1:0", admin: ""}
log: {level: debug, access: all}
store: {embedded: true}
keys:
  cookie:  [{id: c1, file: %[2]s/cookie.key}]
  seal:    [{id: s1, file: %[2]s/seal.key}]
  signing: [{id: k1, file: %[2]s/signing.pem}]
session: {%[3]s}
providers:
  - name: corp
    kind: oidc
    issuer: "%[4]s"
    client_id: %[5]s
    %[6]s
%[7]s
routes:
  - {path: /api/, upstreams: ["%[8]s"]}
  - {path: /page/, upstreams: ["%[8]s"], unauthenticated: login}
  - {path: /, upstreams: ["%[8]s"], session: none}
%[9]s`, or(o.origin, publicOrigin), s.dir, or(o.session, "cache_ttl: 5s"), or(o.issuer, s.idp.Issuer()), oidctest.ClientID,
		or(o.provider, "client_secret_file: "+secret), o.more, s.upstream.server.URL, o.routes)
}

var beginLink = regexp.MustCompile(`<a href="([^"]+)" data-leave=`)

// oidcBrowser is a browser with a second jar, for the provider.
type oidcBrowser struct {
	*browser
	idp *http.Client
}

func (s *oidcEnvironment) person() *oidcBrowser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &oidcBrowser{browser: s.browser(), idp: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get is the browser's, which goes on by itself from the page before a sign-in.
func (b *oidcBrowser) get(path string, changes ...change) answer {
	b.t.Helper()
	a := b.browser.get(path, changes...)
	if link := beginLink.FindStringSubmatch(a.body); link != nil {
		a = b.browser.get(html.UnescapeString(link[1]), navigating("same-origin"))
	}
	return a
}

// fromProvider makes a request the provider's redirect: no Strict cookie comes along.
func fromProvider(r *http.Request) {
	navigating("cross-site")(r)
	var kept []string
	for _, c := range r.Cookies() {
		if c.Name != "__Host-session" && c.Name != "__Host-probe" {
			kept = append(kept, c.Name+"="+c.Value)
		}
	}
	r.Header.Del("Cookie")
	if len(kept) > 0 {
		r.Header.Set("Cookie", strings.Join(kept, "; "))
	}
}

// leave starts a sign-in and returns the provider's page.
func (b *oidcBrowser) leave(path string) string {
	b.t.Helper()
	a := b.get(path, navigating("same-origin"))
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.Contains(to, "/authorize?") {
		b.t.Fatalf("GET %s: %s, Location %q", path, a, to)
	}
	return to
}

// atProvider follows the provider until it sends the browser back, and returns
// the path on our origin.
func (b *oidcBrowser) atProvider(page string) string {
	b.t.Helper()
	res, err := b.idp.Get(page)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	to := res.Header.Get("Location")
	back, ok := strings.CutPrefix(to, or(b.origin, publicOrigin))
	if !ok {
		text, _ := io.ReadAll(res.Body)
		b.t.Fatalf("provider: %s, Location %q\n%s", res.Status, to, text)
	}
	return back
}

// back follows the provider's redirect to our callback.
func (b *oidcBrowser) back(path string) answer { b.t.Helper(); return b.get(path, fromProvider) }

// signIn goes all the way.
func (b *oidcBrowser) signIn() answer {
	b.t.Helper()
	a := b.back(b.atProvider(b.leave("/auth/login?return_to=/page/home")))
	if a.status != http.StatusOK || b.cookie() == "" || !strings.Contains(a.body, `content="0; url=/page/home"`) ||
		a.header.Get("Referrer-Policy") != "no-referrer" { // the address holds the code
		b.t.Fatalf("callback: %s", a)
	}
	return a
}

// signedIn reports what the session document says.
func (b *oidcBrowser) signedIn() bool {
	b.t.Helper()
	return strings.Contains(b.ok("/auth/session").body, `"authenticated":true`)
}

func query(t *testing.T, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// forChromium starts a gateway under its real address, http://localhost:PORT.
func forChromium(t *testing.T, o oidcOptions) (*oidcEnvironment, string) {
	t.Helper()
	s := newOIDCEnvironment(t, oidcOptions{upstream: o.upstream})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	o.origin = "http://localhost:" + port
	s.idp.Register(o.origin+"/auth/callback/corp", o.origin+"/auth/logout/done")
	s.startAt("127.0.0.1:"+port, s.text(o))
	return s, o.origin
}

// startAt is start on a given address.
func (s *oidcEnvironment) startAt(addr, text string) {
	s.t.Helper()
	loaded, err := configs.LoadBytes("test.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		s.t.Fatalf("configuration: %v\n%s", err, text)
	}
	g := &liveGateway{}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	o := program.Overrides{Embedded: s.embedded, Public: l}
	if g.Program, err = program.Open(&loaded.Config, program.NewLogger(s.logs, loaded.Config.Log), o); err != nil {
		s.t.Fatal(err)
	}
	g.addr = addr
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	g.stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(g.stop)
	eventually(s.t, "the feed is up", g.Manager().StoreUp)
	s.gateways = append(s.gateways, g)
}
