package configs_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/configs"
)

// noEnv is an empty environment.
func noEnv(string) (string, bool) { return "", false }

// env is an environment with these variables.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func randomKey(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	return base64.RawURLEncoding.EncodeToString(key)
}

// privatePEM makes a signing key of the given kind.
func privatePEM(t *testing.T, alg string) string {
	t.Helper()
	var key any
	var err error
	switch alg {
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "RS1024":
		t.Setenv("GODEBUG", "rsa1024min=0")
		key, err = rsa.GenerateKey(rand.Reader, 1024)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// folder makes a folder with everything a configuration may name.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cookie.key":  randomKey(t) + "\n",
		"seal.key":    randomKey(t) + "\n",
		"signing.pem": privatePEM(t, "EdDSA"),
		"users.yaml":  configs.DemoUsers,
		"corp":        "client-secret\n",
	} {
		write(t, filepath.Join(dir, name), text, 0o600)
	}
	for _, folder := range []string{"app", "words"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "ends.css"), "main { } </STYLE><script>", 0o600)
	write(t, filepath.Join(dir, "words", "de.yaml"), "login.usrname: Name\nlogin.title: \"Bei {host}\"\n", 0o600)
	return dir
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// load loads text as a file of dir and wants it to pass.
func load(t *testing.T, dir, text string, env func(string) (string, bool)) *configs.Loaded {
	t.Helper()
	file := filepath.Join(dir, "gw.yaml")
	write(t, file, text, 0o644)
	loaded, err := configs.Load(file, env)
	if err != nil {
		t.Fatalf("refused:\n%v", err)
	}
	return loaded
}

// problems loads text as gw.yaml of dir and gives the lines it is refused with, without the folder.
func problems(t *testing.T, dir, text string, env func(string) (string, bool)) string {
	t.Helper()
	_, err := configs.LoadBytes(filepath.Join(dir, "gw.yaml"), []byte(text), env)
	if err == nil {
		return ""
	}
	var list *configs.Problems
	if !errors.As(err, &list) || len(list.List) == 0 {
		t.Fatalf("error is %T, want *Problems with entries", err)
	}
	return strings.ReplaceAll(err.Error(), dir+"/", "")
}

func TestMinimalWorksAsItStands(t *testing.T) {
	loaded := load(t, t.TempDir(), configs.Minimal, noEnv)
	if n := strings.Count(configs.Minimal, "\n"); n > 6 {
		t.Errorf("has %d lines, want at most 6", n)
	}
	c := loaded.Config
	if len(loaded.Warnings) > 0 || len(c.Keys.Cookie) > 0 || !c.Store.Embedded || !c.Providers[0].Local.Users.Demo {
		t.Errorf("warnings %v, config %+v", loaded.Warnings, c)
	}
	if got := c.Providers[0].Local; got.Issuer != "http://localhost:8080" || got.Audience != got.Issuer {
		t.Errorf("issuer %q, audience %q: want the public URL", got.Issuer, got.Audience)
	}
	if loaded.Wrote("session.grace") || !loaded.Wrote("routes[0].path") {
		t.Error("Wrote does not tell what is written from what is a default")
	}
}

func TestDefaultsGiveWay(t *testing.T) {
	const text = `
server: {public_url: "http://localhost:8080", auth_prefix: /_gw}
store: {embedded: true}
session: {absolute_lifetime: 5m}
providers: [{name: local, kind: local, users: demo}]
routes: [{path: /, upstreams: ["http://localhost:9000"]}]
`
	c := load(t, t.TempDir(), text, noEnv).Config
	for _, got := range []configs.Duration{c.Session.IdleTimeout, c.Providers[0].Local.AccessLifetime} {
		if got.String() != "5m" {
			t.Errorf("default is %s under an absolute lifetime of 5m", got)
		}
	}
	if c.Session.LoginPage != "/_gw/login" || c.Routes[0].BodyLimit != c.Server.Limits.Body {
		t.Errorf("login page %q, body limit %s", c.Session.LoginPage, c.Routes[0].BodyLimit)
	}
}

func TestRedisURLIsShort(t *testing.T) {
	for _, store := range []string{
		`{redis: "rediss://app:${PW}@cache:7000/3"}`,
		`{redis: {addresses: ["rediss://app:${PW}@cache:7000/3"]}}`,
	} {
		dir := folder(t)
		loaded := load(t, dir, strings.Replace(working, "{redis: {addresses: [\"redis:6379\"]}}", store, 1), env(map[string]string{"PW": "p%40ss"}))
		r := loaded.Config.Store.Redis
		if r.Addresses[0] != "cache:7000" || r.Username != "app" || r.DB != 3 || r.TLS == nil || r.Mode != "standalone" || r.Password.Reveal() != "p@ss" {
			t.Errorf("%s: %+v", store, r)
		}
	}
	c := load(t, folder(t), strings.Replace(working, "{addresses: [\"redis:6379\"]}", "redis://cache", 1), noEnv).Config
	if c.Store.Redis.Addresses[0] != "cache:6379" || c.Store.Redis.TLS != nil {
		t.Errorf("%+v", c.Store.Redis)
	}
}

// A database's address is a secret only with a password in it.
func TestDatabaseURL(t *testing.T) {
	users := func(database string) string {
		return strings.Replace(working, "users: {file: users.yaml}",
			"users: {database: \""+database+"\", query: 'SELECT name, password_hash FROM users WHERE name = $1'}", 1)
	}
	if users("x") == working {
		t.Fatal("the working file has no users to replace")
	}
	for _, url := range []string{"postgres://app@db:5432/shop", "postgresql:///shop?host=/run/postgresql", "postgres://app:${PW}@db/shop"} {
		c := load(t, folder(t), users(url), env(map[string]string{"PW": "pw"})).Config
		if got := c.Providers[0].Local.Users.Database.Reveal(); got != strings.Replace(url, "${PW}", "pw", 1) {
			t.Errorf("%s: read as %q", url, got)
		}
	}
	for _, url := range []string{"postgres://app:canary@db/shop", "postgres://db/shop?password=canary", "canary"} {
		got := problems(t, folder(t), users(url), noEnv)
		if !strings.Contains(got, "is a secret written into the file") || strings.Contains(got, "canary") {
			t.Errorf("%s: %q", url, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	vars := map[string]string{"DB": "7", "MODE": "lax", "IDLE": "2h", "HOST": "cache", "BOOL": "true"}
	text := strings.Replace(working, `{redis: {addresses: ["redis:6379"]}}`, `{redis: {addresses: ["${HOST}:6379"], db: "${DB}", key_prefix: "a$${b"}}`, 1)
	text += "session: {same_site: \"${MODE}\", idle_timeout: \"${IDLE}\"}\nexplicit_tokens: {enabled: \"${BOOL}\"}\n"
	// Braces in a key prefix are refused, so the escape is seen in the refusal.
	got := problems(t, folder(t), text, env(vars))
	if !strings.Contains(got, "store.redis.key_prefix") || strings.Count(got, "\n") > 0 {
		t.Errorf("got %q", got)
	}
	c := load(t, folder(t), strings.Replace(text, "a$${b", "a:", 1), env(vars)).Config
	if c.Store.Redis.DB != 7 || c.Store.Redis.Addresses[0] != "cache:6379" || c.Session.SameSite != "lax" ||
		c.Session.IdleTimeout.String() != "2h" || !c.ExplicitTokens.Enabled {
		t.Errorf("%+v %+v", c.Store.Redis, c.Session)
	}
}

func TestByteOrderMarkAndWindowsLinesAreFine(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(configs.Minimal, "\n", "\r\n")
	load(t, t.TempDir(), text, noEnv)
}

func TestCommentedOutSectionsAreNotWritten(t *testing.T) {
	load(t, t.TempDir(), configs.Minimal+"session:\nlog:\nkeys:\nrate_limits:\n  login:\n", noEnv)
}

// The gateway can check no access tokens but its own, which a file with bearer: allow may not
// expect.
func TestBearerWithoutLocalProvider(t *testing.T) {
	text := strings.Replace(working, "kind: local, users: {file: users.yaml}", "kind: tokenapi, preset: fastapi-tutorial, base_url: 'http://api'", 1)
	text = strings.Replace(text, ", signing: [{id: k1, file: signing.pem}]", "", 1)
	text = strings.Replace(text, `["http://api:9000"]`, `["http://api:9000"], bearer: allow`, 1) + "explicit_tokens: {enabled: true}\n"
	loaded := load(t, folder(t), text, noEnv)
	if len(loaded.Warnings) != 1 || loaded.Warnings[0].Path != "routes[0].bearer" {
		t.Errorf("warnings %+v", loaded.Warnings)
	}
	both := strings.Replace(text, "providers: [", "providers: [{name: own, kind: local, users: {file: users.yaml}}, ", 1)
	both = strings.Replace(both, "keys: {", "keys: {signing: [{id: k1, file: signing.pem}], ", 1)
	if loaded := load(t, folder(t), both, noEnv); len(loaded.Warnings) != 0 {
		t.Errorf("warnings %+v", loaded.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	text := `
server: {public_url: "https://app.example.com", admin: ":9090", forwarded_header: X-Real-Ip}
store: {embedded: true}
keys: {cookie: [{id: a, file: cookie.key}], seal: [{id: a, file: seal.key}]}
explicit_tokens: {grace: 5s}
routes: [{path: /app, static: app, session: none, timeout: 1s}, {path: /api, upstreams: ["http://api"], session: optional, bearer: allow}]
`
	loaded := load(t, folder(t), text, noEnv)
	var got []string
	for _, w := range loaded.Warnings {
		got = append(got, w.Path)
	}
	want := "server.admin server.forwarded_header store.embedded explicit_tokens.grace routes routes[0].timeout routes[1].bearer"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// A public_url on this machine at whose port nobody listens is a refused connection, unless a proxy
// stands there: then listen is written.
func TestPublicPortWithoutListen(t *testing.T) {
	for server, want := range map[string]string{
		`public_url: "http://localhost:18780"`: "leads the browser to port 18780, and the gateway listens on 8080, as listen is not written: " +
			"write listen: localhost:18780 or, with a proxy in front at port 18780, listen: with the address that it connects to",
		`public_url: "http://app.localhost:18780"`:               "write listen: localhost:18780",
		`public_url: "http://[::1]:18780"`:                       `write listen: "[::1]:18780"`,
		`public_url: "http://localhost"`:                         "port 80,",
		`public_url: "http://localhost:8080"`:                    "",
		`public_url: "http://localhost:18780", listen: ":18780"`: "",
		`public_url: "http://localhost:18780", listen: ":8080"`:  "",
		`public_url: "https://localhost:18780"`:                  "",
	} {
		text := strings.Replace(working, `public_url: "https://app.example.com"`, server, 1)
		var got []string
		for _, w := range load(t, folder(t), text, noEnv).Warnings {
			if w.Path == "server.public_url" {
				got = append(got, w.What)
			}
		}
		if (want == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, " "), want) {
			t.Errorf("%s: warned %q, want %q", server, got, want)
		}
	}
}
