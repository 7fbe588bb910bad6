package configs_test

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sessiongate/configs"
)

var update = flag.Bool("update", false, "write what is reported now to testdata")

// working is a configuration that passes with the files of folder.
const working = `server: {public_url: "https://app.example.com"}
store: {redis: {addresses: ["redis:6379"]}}
keys: {cookie: [{id: c1, file: cookie.key}], seal: [{id: s1, file: seal.key}], signing: [{id: k1, file: signing.pem}]}
providers: [{name: local, kind: local, users: {file: users.yaml}}]
routes: [{path: /, upstreams: ["http://api:9000"]}]
`

// The check of the main job: ten mistakes, ten lines that each say where, what, and what to write.
func TestTenMistakes(t *testing.T) {
	const text = `server:
  lsten: ":8080"
  public_url: http://app.example.com
  trusted_proxies: 10.0.0.0/8
  limits: {header: 32768}
session:
  idle_timeout: 30
  same_site: none
store:
  redis: {addresses: ["redis:6379"], password: hunter2, db: "1"}
keys:
  cookie: [{id: c1, file: cookie.key}]
  seal: [{id: s1, file: missing.key}]
  signing: [{id: k1, file: signing.pem}]
providers:
  - {name: local, kind: local, users: {file: users.yaml}}
routes:
  - {path: /, upstreams: ["http://api:9000?x=1"]}
`
	want := `gw.yaml:2:3: server.lsten: unknown key; write listen
gw.yaml:3:15: server.public_url: http on a host that is not loopback: the browser would drop the Secure __Host- cookie; write https://app.example.com
gw.yaml:4:20: server.trusted_proxies: is text, and a list is wanted; write ["10.0.0.0/8"]
gw.yaml:5:20: server.limits.header: "32768" has no unit; write 32KiB
gw.yaml:7:17: session.idle_timeout: "30" has no unit; write 30h
gw.yaml:8:14: session.same_site: none would send the session with requests that other sites make; write same_site: strict
gw.yaml:10:48: store.redis.password: is a secret written into the file; write password: ${PASSWORD}, or password_file: PATH
gw.yaml:10:61: store.redis.db: is text, and a number is wanted; write 1
gw.yaml:13:25: keys.seal[0].file: "missing.key": no such file or directory; write the path of what is there
gw.yaml:18:27: routes[0].upstreams[0]: has a query or a fragment; write http://api:9000`
	if got := problems(t, folder(t), text, noEnv); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Each row is the working file with something put in its place, or a whole file of its own. What is
// reported for it stands in testdata/mistakes.golden; read the difference before you accept it with
// -update.
func TestMistakes(t *testing.T) {
	const file = "testdata/mistakes.golden"
	rows := mistakes()
	var got strings.Builder
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := rows[name]
		text := row.file
		if text == "" {
			text = strings.Replace(working, row.old, row.new, 1)
		}
		if text == working {
			t.Errorf("%s: the row changes nothing", name)
		}
		lines := problems(t, folder(t), text, env(map[string]string{"SET": "canary-value", "EMPTY": ""}))
		if lines == "" {
			t.Errorf("%s: passes", name)
		}
		if strings.Contains(lines, "canary") {
			t.Errorf("%s: a secret is shown:\n%s", name, lines)
		}
		got.WriteString("== " + name + "\n" + lines + "\n")
	}
	if *update {
		write(t, file, got.String(), 0o644)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	compareRows(t, got.String(), string(want))
}

// compareRows names the rows that differ.
func compareRows(t *testing.T, got, want string) {
	t.Helper()
	gotRows, wantRows := strings.Split(got, "== "), strings.Split(want, "== ")
	if len(gotRows) != len(wantRows) {
		t.Errorf("%d rows, want %d", len(gotRows), len(wantRows))
	}
	for i := range min(len(gotRows), len(wantRows)) {
		if gotRows[i] != wantRows[i] {
			t.Errorf("got  %swant %s", gotRows[i], wantRows[i])
		}
	}
}

type mistake struct{ old, new, file string }

func mistakes() map[string]mistake {
	rows := make(map[string]mistake)
	for _, part := range []map[string]mistake{yamlMistakes(), scalarMistakes(), serverMistakes(), storeMistakes(), keyMistakes(), sessionMistakes(), pagesMistakes(), routeMistakes()} {
		for name, row := range part {
			rows[name] = row
		}
	}
	return rows
}

func yamlMistakes() map[string]mistake {
	return map[string]mistake{
		"empty":           {file: "# nothing\n"},
		"scalar":          {file: "foo\n"},
		"list":            {file: "- a\n"},
		"tab":             {file: "server:\n\tlisten: x\n"},
		"two documents":   {file: configs.Minimal + "---\na: 1\n"},
		"anchor":          {file: "a: &x 1\nb: *x\nc:\n  <<: *x\n"},
		"tag":             {file: "a: !!str 1\n"},
		"complex key":     {file: "? [a]\n: 1\n"},
		"directive":       {file: "%YAML 1.2\n---\na: 1\n"},
		"not UTF-8":       {file: "a: 1\nb: \xff\n"},
		"UTF-16":          {file: "\xff\xfea\x00"},
		"control":         {file: "a: 1\nb: \x00\n"},
		"too large":       {file: strings.Repeat("# 345678\n", 120_000)},
		"many lines":      {file: strings.Repeat("a:\n", 20_001)},
		"deep":            {file: "a: " + strings.Repeat("[", 500_000)},
		"deep dashes":     {file: strings.Repeat("- ", 400_000)},
		"open list":       {file: "a: [1,\n"},
		"env in flow":     {file: "server: {listen: ${X}, admin: ${Y}}\n"},
		"duplicate":       {old: "store:", new: "server: {}\nstore:"},
		"duplicate below": {old: "{public_url:", new: "{listen: \":1\", listen: \":2\", public_url:"},
		"unknown":         {old: "store:", new: "frobnicate: 1\nstore:"},
		"unknown odd":     {old: "store:", new: "\"a\\nb\": 1\nstore:"},
		"unknown swapped": {old: "providers:", new: "rotues: []\nproviders:"},
	}
}

func scalarMistakes() map[string]mistake {
	const at = "store:"
	return map[string]mistake{
		"number for address":  {old: "{public_url:", new: "{listen: 8080, public_url:"},
		"number for text":     {old: at, new: "pages: {name: 1}\nstore:"},
		"bool for text":       {old: at, new: "pages: {name: true}\nstore:"},
		"list for text":       {old: at, new: "log: {level: [info]}\nstore:"},
		"section for text":    {old: at, new: "log: {level: {a: 1}}\nstore:"},
		"text for section":    {old: at, new: "log: info\nstore:"},
		"list for section":    {old: at, new: "log: [info]\nstore:"},
		"section for list":    {old: "[{path", new: "{path: /}\nx: [{path"},
		"nothing for text":    {old: at, new: "log: {level: }\nstore:"},
		"nothing in list":     {old: "providers:", new: "cross_origin:\n  allowed_origins:\n    -\nproviders:"},
		"yes":                 {old: at, new: "explicit_tokens: {enabled: yes}\nstore:"},
		"text for number":     {old: at, new: "session: {per_user: {max: many}}\nstore:"},
		"hex":                 {old: at, new: "session: {per_user: {max: 0x10}}\nstore:"},
		"fraction":            {old: at, new: "session: {per_user: {max: 1.5}}\nstore:"},
		"number out of range": {old: at, new: "session: {per_user: {max: -1}}\nstore:"},
		"word":                {old: at, new: "log: {level: wran, format: xml}\nstore:"},
		"duration fraction":   {old: at, new: "session: {idle_timeout: 1.5h}\nstore:"},
		"duration negative":   {old: at, new: "session: {idle_timeout: -5s}\nstore:"},
		"nothing follows":     {old: "store:", new: "session: {idle_timeout: 0s, grace: 3s}\nstore:"},
		"duration range":      {old: at, new: "session: {cache_ttl: 2m}\nstore:"},
		"size":                {old: "{public_url:", new: "{limits: {header: 1MB, body: 10485760}, public_url:"},
		"rate":                {old: at, new: "rate_limits: {login: {per_ip: 20, per_username_and_ip: 5/0s}}\nstore:"},
		"env unset":           {old: at, new: "log: {level: \"${NOPE}\"}\nstore:"},
		"env open":            {old: at, new: "log: {level: \"${NOPE\"}\nstore:"},
		"env not shown":       {old: at, new: "log: {level: \"${SET}\"}\nstore:"},
		"env not shown here":  {old: "https://app.example.com", new: "${SET}"},
		"env not a duration":  {old: at, new: "session: {grace: \"${SET}\"}\nstore:"},
	}
}

func serverMistakes() map[string]mistake {
	const url = "https://app.example.com"
	in := func(text string) mistake {
		return mistake{old: "{public_url:", new: "{" + text + ", public_url:"}
	}
	return map[string]mistake{
		"no url":            {old: `server: {public_url: "https://app.example.com"}`, new: ""},
		"url path":          {old: url, new: url + "/"},
		"url query":         {old: url, new: url + "?"},
		"url user":          {old: url, new: "https://canary:canary@app.example.com"},
		"url scheme":        {old: url, new: "ftp://app.example.com"},
		"url upper":         {old: url, new: "https://App.example.com"},
		"url zero":          {old: url, new: "https://app.example.com:0443"},
		"url port":          {old: url, new: "https://app.example.com:443"},
		"url bare":          {old: url, new: "app.example.com"},
		"prefix slash":      in("auth_prefix: auth"),
		"prefix root":       in("auth_prefix: /"),
		"prefix end":        in("auth_prefix: /auth/"),
		"prefix well-known": in("auth_prefix: /.well-known"),
		"prefix dots":       in("auth_prefix: /a/../b"),
		"proxies":           in("trusted_proxies: [10.0.0.1/8, nowhere]"),
		"header":            in("forwarded_header: \"X Y\""),
		"header forwarded":  in("forwarded_header: forwarded"),
		"same addresses":    in("listen: \"127.0.0.1:9090\""),
		"tls empty":         in("tls: {}"),
		"listen empty":      in("listen: \"\""),
		"listen text":       in("listen: localhost"),
	}
}

func storeMistakes() map[string]mistake {
	const redis = `{redis: {addresses: ["redis:6379"]}}`
	in := func(text string) mistake { return mistake{old: redis, new: text} }
	return map[string]mistake{
		"none":             in("{}"),
		"both":             in(`{embedded: true, redis: {addresses: ["redis:6379"]}}`),
		"slip":             in("{embedd: true}"),
		"no addresses":     in("{redis: {}}"),
		"empty addresses":  in("{redis: {addresses: []}}"),
		"text address":     in(`{redis: {addresses: "redis:6379"}}`),
		"text for redis":   in(`{redis: "redis:6379"}`),
		"two urls":         in(`{redis: {addresses: ["redis://a", "redis://b"]}}`),
		"bad address":      in(`{redis: {addresses: ["redis"]}}`),
		"password in url":  in(`{redis: "redis://u:canary@redis:6379"}`),
		"password at host": in(`{redis: {addresses: ["u:canary@redis:6379"]}}`),
		"twice":            in(`{redis: {addresses: ["redis://redis/1"], db: 2}}`),
		"sentinel":         in(`{redis: {addresses: ["a:1", "b:1"], mode: sentinel}}`),
		"master":           in(`{redis: {addresses: ["a:1"], master: m}}`),
		"cluster db":       in(`{redis: {addresses: ["a:1"], mode: cluster, db: 2}}`),
		"standalone two":   in(`{redis: {addresses: ["a:1", "b:1"]}}`),
		"mode":             in(`{redis: {addresses: ["a:1"], mode: clustre}}`),
		"prefix":           in(`{redis: {addresses: ["a:1"], key_prefix: "{sg}"}}`),
		"password both":    in(`{redis: {addresses: ["a:1"], password: "${SET}", password_file: cookie.key}}`),
		"password number":  in(`{redis: {addresses: ["a:1"], password: 12345}}`),
		"password empty":   in(`{redis: {addresses: ["a:1"], password: "${EMPTY}"}}`),
	}
}

func keyMistakes() map[string]mistake {
	return map[string]mistake{
		"missing":          {old: "keys:", new: "#keys:"},
		"misspelt":         {old: "keys:", new: "x-keys:"},
		"id":               {old: "{id: c1, file", new: "{id: \"a b\", file"},
		"no id":            {old: "{id: c1, file", new: "{file"},
		"empty id":         {old: "{id: c1, file", new: "{id: \"\", file"},
		"empty file":       {old: "file: cookie.key", new: "file: \"\""},
		"from":             {old: "file: cookie.key", new: "file: cookie.key, from: 2027-01-31"},
		"env in a path":    {old: "file: cookie.key", new: "file: \"${SET}\""},
		"key twice":        {old: "file: seal.key", new: "file: cookie.key"},
		"id twice":         {old: "[{id: c1,", new: "[{id: c1, file: seal.key}, {id: c1,"},
		"PEM for a key":    {old: "file: cookie.key", new: "file: signing.pem"},
		"key for PEM":      {old: "file: signing.pem", new: "file: cookie.key"},
		"folder for a key": {old: "file: cookie.key", new: "file: app"},
		"alg":              {old: "file: signing.pem", new: "file: signing.pem, alg: ES256"},
		"alg unknown":      {old: "file: signing.pem", new: "file: signing.pem, alg: none"},
		"PEM for HS256":    {old: "file: signing.pem", new: "file: signing.pem, alg: HS256"},
	}
}

func pagesMistakes() map[string]mistake {
	in := func(pages string) mistake { return mistake{file: working + "pages: {" + pages + "}\n"} }
	return map[string]mistake{
		"pages accent, a name":       in("accent: navy"),
		"pages accent, short":        in(`accent: "#fff"`),
		"pages accent, signed":       in(`accent: "#+12345"`),
		"pages name, long":           in("name: " + strings.Repeat("x", 61)),
		"pages name, two lines":      in(`name: "a\nb"`),
		"pages footer, long":         in("footer: " + strings.Repeat("x", 301)),
		"pages home, elsewhere":      in("home: https://www.example.com"),
		"pages home, a host":         in("home: //www.example.com"),
		"pages link, http":           in("links: {help: http://help.example.com}"),
		"pages link, script":         in(`links: {terms: "javascript:alert(1)"}`),
		"pages link, mail":           in(`links: {help: "mailto:help@example.com"}`),
		"pages link, unknown":        in("links: {imprint: /imprint}"),
		"pages logo, missing":        in("logo: none.svg"),
		"pages logo, no picture":     in("logo: users.yaml"),
		"pages stylesheet, missing":  in("stylesheet: none.css"),
		"pages stylesheet, ends":     in("stylesheet: ends.css"),
		"pages languages, none":      in("languages: []"),
		"pages languages, not there": in("languages: [en, fr]"),
		"pages languages, no tag":    in("languages: [german]"),
		"pages languages, twice":     in("languages: [de, de]"),
		"pages messages, no folder":  in("messages: users.yaml"),
		"pages messages, empty":      in("messages: app"),
		"pages messages, wrong":      in("messages: words"),
	}
}

func sessionMistakes() map[string]mistake {
	in := func(session, access string) mistake {
		text := strings.Replace(working, "users: {file: users.yaml}", "users: {file: users.yaml}"+access, 1)
		return mistake{file: text + "session: {" + session + "}\n"}
	}
	provider := func(text string) mistake {
		return mistake{old: "{name: local, kind: local, users: {file: users.yaml}}", new: text}
	}
	return map[string]mistake{
		"idle over absolute":   in("idle_timeout: 15d", ""),
		"access over idle":     in("idle_timeout: 5m", ", access_lifetime: 6m"),
		"grace half":           in("grace: 10s", ", access_lifetime: 20s"),
		"login page elsewhere": in("login_page: \"https://evil.example/\"", ""),
		"login page //":        in("login_page: //evil.example", ""),
		"login page in prefix": in("login_page: /auth/signin", ""),
		"same_site":            in("same_site: Strict", ""),
		"cap":                  in("per_user: {when_full: drop}", ""),
		"tokenapi":             provider("{name: api, kind: tokenapi, preset: x, base_url: http://api}"),
		"tokenapi bare":        provider("{name: api, kind: tokenapi}"),
		"tokenapi values":      provider("{name: api, kind: tokenapi, base_url: ftp://api, login: {path: login, method: post, encoding: xml, refused: [200, 429]}, identity: {from: me}, timeout: 1h, headers: [{name: 'a b', value: x}, {name: a}, {name: b, secret: plain}], verify: {jwks_url: x, public_key_file: none.pem}, tls: {ca_file: none.crt}}"),
		"tokenapi answers":     provider("{name: api, kind: tokenapi, preset: authx, base_url: http://api, login: {extra: [otp, a.b, otp, username], answers: ['refuse: 401', 'code=401', 'ok:', 'ok : 200']}, refresh: {answers: ['mfa_required: 401', 'account_disabled: 401']}, logout: {answers: ['account_disabled: 401']}}"),
		"tokenapi verify":      provider("{name: api, kind: tokenapi, preset: authx, base_url: http://api, verify: {}}"),
		"tokenapi captures":    provider("{name: api, kind: tokenapi, preset: authx, base_url: http://api, login: {path: /login}, refresh: {path: /refresh}, logout: {path: ''}, app_calls: [log in, refresh, logout, refresh], capture: [{path: register}, {path: '/a?b=c'}, {path: /a, methods: [post, HEAD]}, {path: /a, methods: []}, {path: /b, statuses: [302, 206, 204]}, {path: /b}, {path: /login}, {path: /cb, methods: [GET]}, {path: /cb, begins: /go}, {path: /c, methods: [GET], begins: /c}, {path: /d, methods: [GET], begins: go, statuses: []}]}"),
		"tokenapi one path":    provider("{name: api, kind: tokenapi, preset: authx, base_url: http://api, login: {path: /graphql, body: '{\"u\":\"{{username}}\",\"p\":\"{{password}}\"}'}, refresh: {path: /graphql}, logout: {path: /graphql}, app_calls: [login], capture: [{path: /graphql}]}"),
		"tokenapi leaks":       provider("{name: api, kind: tokenapi, preset: authx, base_url: http://api, aliases: [http://api, 'a:1'], placeholder: 'a\"b', leaks: some}"),
		"oidc":                 provider("{name: corp, kind: oidc, issuer: x}"),
		"oidc discovery":       provider("{name: corp, kind: oidc, issuer: 'https://id.example.com/.well-known/openid-configuration', client_id: a, auth_method: none}"),
		"oidc values":          provider("{name: corp, kind: oidc, issuer: 'http://id.example.com', client_id: a, auth_method: none, client_secret: plain, scopes: [email], id_token_algs: [HS256], authorization_params: [{name: state, value: x}], timeout: 1h, tls: {ca_file: none.crt}}"),
		"oidc key":             provider("{name: corp, kind: oidc, issuer: 'https://id.example.com?a', client_id: a, auth_method: private_key_jwt, id_token_algs: []}"),
		"kind":                 provider("{name: corp, kind: ldap}"),
		"no kind":              provider("{name: corp}"),
		"no users":             provider("{name: local, kind: local}"),
		"no name":              provider("{kind: local, users: {file: users.yaml}}"),
		"provider name":        provider("{name: Local!, kind: local, users: {file: users.yaml}}"),
		"provider twice":       provider("{name: a, kind: local, users: {file: users.yaml}}, {name: a, kind: local, users: {file: users.yaml}}"),
		"users empty":          provider("{name: a, kind: local, users: {}}"),
		"users word":           provider("{name: a, kind: local, users: users.yaml}"),
		"users both":           provider("{name: a, kind: local, users: {demo: true, file: users.yaml}}"),
		"users from two":       provider("{name: a, kind: local, users: {file: users.yaml, database: '${SET}', query: 'SELECT $1'}}"),
		"database, no query":   provider("{name: a, kind: local, users: {database: '${SET}'}}"),
		"database in clear":    provider("{name: a, kind: local, users: {database: 'postgres://a:canary@b/c', query: 'SELECT $1'}}"),
		"query, no parameter":  provider("{name: a, kind: local, users: {database: '${SET}', query: SELECT 1, query_by_subject: SELECT 2}}"),
		"mysql, $1":            provider("{name: a, kind: local, users: {database: 'mysql://a@b/c', query: 'SELECT $1', query_by_subject: SELECT 2}}"),
		"mysql in clear":       provider("{name: a, kind: local, users: {database: 'mysql://a:canary@b/c', query: 'SELECT ?'}}"),
		"mysql, unset":         provider("{name: a, kind: local, users: {database: '${UNSET}', query: 'SELECT ?'}}"),
		"mysql, no query":      provider("{name: a, kind: local, users: {database: 'mariadb://a@b/c'}}"),
		"query, no database":   provider("{name: a, kind: local, users: {file: users.yaml, query: SELECT 1}}"),
		"demo in public":       provider("{name: a, kind: local, users: demo}"),
		"null under a preset":  provider("{name: a, kind: tokenapi, preset: flask-jwt-extended-cookies, base_url: \"http://api\", refresh: null, logout: ~, me: , keep: , identity: }"),
		"key of a provider":    provider("{name: a, kind: local, users: {file: users.yaml}, acess_lifetime: 1m}"),
		"issuer":               provider("{name: a, kind: local, users: {file: users.yaml}, issuer: me}"),
		"origins":              {old: "routes:", new: "cross_origin: {allowed_origins: [\"*\", \"https://a.example/\", \"https://b.example\", \"https://b.example\"]}\nroutes:"},
	}
}

func routeMistakes() map[string]mistake {
	const route = `{path: /, upstreams: ["http://api:9000"]}`
	in := func(text string) mistake { return mistake{old: route, new: text} }
	up := func(text string) mistake { return in(`{path: /, upstreams: ["` + text + `"]}`) }
	with := func(text string) mistake { return in(`{path: /api/, upstreams: ["http://api:9000"], ` + text + `}`) }
	return map[string]mistake{
		"no path":           in(`{upstreams: ["http://api"]}`),
		"path slash":        in(`{path: api, upstreams: ["http://api"]}`),
		"path escape":       in(`{path: /a%2fb, upstreams: ["http://api"]}`),
		"path dots":         in(`{path: /a/../b, upstreams: ["http://api"]}`),
		"path double":       in(`{path: /a//b, upstreams: ["http://api"]}`),
		"path twice":        in(`{path: /api, upstreams: ["http://api"]}, {path: /api/, upstreams: ["http://api"]}`),
		"path under auth":   in(`{path: /auth/x, upstreams: ["http://api"]}`),
		"path well-known":   in(`{path: /.well-known/, upstreams: ["http://api"]}`),
		"no target":         in(`{path: /}`),
		"both targets":      in(`{path: /, upstreams: ["http://api"], static: app}`),
		"no folder":         in(`{path: /, static: nowhere, session: none}`),
		"upstream scheme":   up("api:9000"),
		"upstream user":     up("http://canary:canary@api:9000"),
		"upstream fragment": up("http://api:9000/#"),
		"upstream host":     up("http://:9000"),
		"upstream port":     up("http://api:99999"),
		"upstream base":     up("http://api:9000/a/../b"),
		"strip":             with("strip_prefix: /ap"),
		"methods":           with("methods: [get]"),
		"session":           with("session: maybe"),
		"session false":     with("session: false, match: 1"),
		"unauthenticated":   with("unauthenticated: 401"),
		"require optional":  with("session: optional, require: {roles: [admin]}"),
		"require nothing":   with("require: {}"),
		"require unknown":   with("require: {rolse: [admin]}"),
		"require word":      with("require: {roles: [\"\"]}"),
		"timeout":           with("timeout: 0s"),
		"bearer":            with("bearer: deny"),
		"bearer none":       with("session: none, bearer: allow"),
		"no provider":       {old: `[{name: local, kind: local, users: {file: users.yaml}}]`, new: "[]"},
	}
}

// What follows from the public URL is not held against a file whose public URL cannot be read.
func TestUnreadablePublicURLIsOneProblem(t *testing.T) {
	for url, want := range map[string]string{
		"${NOPE}":     "the environment variable NOPE is not set; set NOPE",
		"localhost":   "is not an origin (scheme, host and port)",
		"http://x/y/": "has more than scheme, host and port",
	} {
		text := strings.Replace(configs.Minimal, "http://localhost:8080", url, 1)
		if got := problems(t, folder(t), text, noEnv); strings.Count(got, "\n") > 0 || !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwant only %q", url, got, want)
		}
	}
}
