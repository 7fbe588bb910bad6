package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sessiongate/cmd/rig"
	"sessiongate/session/oidc/oidctest"
)

// openidcModule is what the table calls Apache with it.
const openidcModule = "mod_auth_openidc"

// apacheConf is the event MPM doing for a request what sessiongate does: find the session in Redis,
// set the bearer token, forward on a kept connection. What the module would add (a header for each
// claim) is off. There are four processes, also on one core, because the threads of a process take
// turns at its one connection to Redis.
const apacheConf = `ServerRoot "DIR"
DefaultRuntimeDir "DIR"
PidFile "DIR/apache.pid"
ErrorLog "DIR/apache.log"
LogLevel error
ServerName 127.0.0.1
Listen LISTEN
Mutex sem
IDENTITY
MODULES
StartServers 4
ServerLimit 4
ThreadLimit THREADS
ThreadsPerChild THREADS
MaxRequestWorkers WORKERS
MinSpareThreads 1
MaxSpareThreads WORKERS
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
OIDCProviderMetadataURL ISSUER/.well-known/openid-configuration
OIDCClientID "CLIENT"
OIDCClientSecret "SECRET"
OIDCProviderTokenEndpointAuth client_secret_post
OIDCPKCEMethod S256
OIDCRedirectURI http://LISTEN/api/callback
OIDCCryptoPassphrase "PASSPHRASE"
OIDCSessionInactivityTimeout 86400
OIDCPassClaimsAs environment
CACHE
<Location /api/>
  AuthType openid-connect
  Require valid-user
  RequestHeader set Authorization "Bearer %{OIDC_access_token}e"
  ProxyPass "http://UPSTREAM/api/" enablereuse=on keepalive=on
</Location>
`

// apache runs Apache with mod_auth_openidc, and signs in at a provider of ours.
func (l *lineup) apache(ctx context.Context) (*contender, error) {
	if err := l.wanted(openidcModule); err != nil {
		return nil, err
	}
	path, modules, err := findApache()
	if err != nil {
		return nil, err
	}
	address, err := rig.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	issuer, err := l.role("provider", l.pins.upstream, 1, "--redirect", "http://"+address+"/api/callback")
	if err != nil {
		return nil, err
	}
	what, cache := "Apache, event MPM, session in Redis, real sign-in, bearer token", "OIDCCacheType redis\nOIDCRedisCacheServer "+l.redis
	if l.redis == "" {
		what, cache = "Apache, event MPM, session in shared memory (no redis-server), real sign-in, bearer token", "OIDCCacheType shm"
	}
	threads := l.conns/2 + 8 // connections are not spread evenly over the processes
	c, err := l.found(ctx, program{
		name: openidcModule, path: path, what: what, address: address, args: []string{"-D", "FOREGROUND", "-f"},
		config: apacheConf, words: []string{
			"ISSUER", issuer, "CLIENT", oidctest.ClientID, "SECRET", oidctest.ClientSecret, "CACHE", cache, "MODULES", loadModules(modules),
			"IDENTITY", apacheIdentity(), "PASSPHRASE", rand.Text(), "THREADS", strconv.Itoa(threads), "WORKERS", strconv.Itoa(4 * threads),
		},
	})
	if err != nil {
		return nil, err
	}
	c.label, c.redis, c.session = "Apache "+openidcModule, l.redis, true
	for range l.sessionsWanted() {
		cookie, err := signInByCode(ctx, c.target.url.String(), openidcModule+"_session")
		if err != nil {
			return nil, &leftOutError{openidcModule, fmt.Sprintf("it runs, but: %v\n%s", err, readLog(filepath.Join(l.dir, "apache.log")))}
		}
		c.target.jars = append(c.target.jars, c.target.newJar(cookie))
	}
	return c, nil
}

// findApache looks for the server and the module where systems put them. The error is
// exec.ErrNotFound if either is missing.
func findApache() (path, modules string, err error) {
	for _, name := range []string{"apache2", "httpd"} {
		if path, err = lookProgram(name); err == nil {
			break
		}
	}
	if err != nil {
		return "", "", &leftOutError{openidcModule, "Apache is not on this machine"}
	}
	for _, dir := range []string{
		"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/lib64/apache2",
		"/usr/local/libexec/apache24", "/opt/homebrew/lib/httpd/modules",
	} {
		if _, err := os.Stat(filepath.Join(dir, openidcModule+".so")); err == nil {
			return path, dir, nil
		}
	}
	return "", "", &leftOutError{openidcModule, "Apache is here, and the module is not"}
}

// loadModules names what is needed; some systems have part of it built in, which has no file.
func loadModules(dir string) string {
	var b strings.Builder
	for _, name := range []string{
		"mpm_event", "unixd", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc",
	} {
		file := filepath.Join(dir, "mod_"+name+".so")
		if _, err := os.Stat(file); err == nil {
			fmt.Fprintf(&b, "LoadModule %s_module %s\n", name, file)
		}
	}
	return b.String()
}

// apacheIdentity is for root, as whom Apache does not serve.
func apacheIdentity() string {
	if os.Getuid() != 0 {
		return ""
	}
	return "User nobody\nGroup #65534"
}

func readLog(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-2000):])
}

// signInByCode goes where a page protected by OpenID Connect sends a browser, and returns the
// cookie that lets it in.
func signInByCode(ctx context.Context, page, cookie string) (string, error) {
	jar, _ := cookiejar.New(nil) // no options, no error
	browser := &http.Client{Jar: jar}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "text/html")
	res, err := browser.Do(req)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("sign in: %s %s", res.Status, res.Request.URL.Path)
	}
	u, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	for _, c := range jar.Cookies(u) {
		if c.Name == cookie {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", errors.New("sign in: no cookie " + cookie)
}
