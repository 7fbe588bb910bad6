package setup

import (
	"net"
	"net/url"
	"strings"

	"sessiongate/configs"
)

// The files beside the configuration, as it names them.
const (
	configFile    = "sessiongate.yaml"
	keysFolder    = "keys"
	secretFile    = "keys/client-secret" //nolint:gosec // the name of a file
	passwordFile  = "keys/redis-password"
	ignoreFile    = "keys/.gitignore"
	usersFile     = "users.yaml"
	secretVar     = "OIDC_CLIENT_SECRET" //nolint:gosec // the name of a variable
	firstUserName = "admin"
)

// at says where the files are that a configuration names: once where they are staged, and once
// where they will be.
type at func(name string) string

// compose writes the configuration.
func compose(a *answers, place at, hasSecret bool) (string, error) {
	d := configs.NewDraft(a.file.text)
	d.DropComment("Before the first start")
	server(d, a.publicURL)
	store(d, a, place)
	for _, path := range keyPaths() {
		if d.Has(path) {
			d.Set(path, place(d.Value(path)))
		}
	}
	provider(d, a, place, hasSecret)
	routes(d, a)
	return d.Text()
}

// keyPaths are the keys of the configuration that name files with keys.
func keyPaths() []string {
	return []string{"keys.cookie[0].file", "keys.seal[0].file", "keys.signing[0].file"}
}

// server sets the address. Where it is this machine's, nobody else has to reach the gateway, and it
// listens there alone. For https something is missing, which only the operator has.
func server(d *configs.Draft, publicURL string) {
	const key = "server.public_url"
	d.Set(key, publicURL)
	u, err := url.Parse(publicURL)
	switch {
	case err != nil || d.Has("server.listen"):
	case u.Scheme == "https":
		d.Insert(key,
			"# Served there by the gateway itself: tls: {cert_file: FILE, key_file: FILE} and listen: \":443\",",
			"# or by a proxy in front, which passes on to port 8080: trusted_proxies: [its addresses]")
	default:
		line := "listen: " + configs.Quote(loopback(u))
		d.Insert(key, line+strings.Repeat(" ", max(1, 41-len(line)))+"# this machine alone; in a container "+configs.Quote(":"+portOf(u)))
	}
}

// loopback is the address to listen at for a URL of this machine.
func loopback(u *url.URL) string {
	host := u.Hostname()
	if net.ParseIP(host) == nil {
		host = "localhost" // what is below it may not be known to this machine, only to browsers
	}
	return net.JoinHostPort(host, portOf(u))
}

func portOf(u *url.URL) string {
	if u.Port() == "" {
		return "80"
	}
	return u.Port()
}

// store replaces the section: which of the two it is follows from the answers.
func store(d *configs.Draft, a *answers, place at) {
	r, _ := splitRedis(a.redis)
	scheme, host, _ := strings.Cut(r.url, "://")
	whole := func(password string) string {
		if r.user+password == "" {
			return r.url
		}
		return scheme + "://" + url.PathEscape(r.user) + password + "@" + host
	}
	switch {
	case a.redis == "":
		d.Replace("store", "store:", "  embedded: true                           # for development: a restart signs everyone out")
	case !r.password.Empty():
		d.Replace("store", "store:", "  redis:", "    addresses: ["+quoteAlways(whole(""))+"]", "    password_file: "+configs.Quote(place(passwordFile)))
	case r.reference != "":
		d.Replace("store", "store:", `  redis: "`+whole(":"+r.reference)+`"`)
	default:
		d.Replace("store", "store:", "  redis: "+configs.Quote(whole("")))
	}
}

// provider puts the answers about the provider in.
func provider(d *configs.Draft, a *answers, place at, hasSecret bool) {
	const at = "providers[0]."
	switch a.file.kind {
	case "local":
		if d.Has(at + "users.file") {
			d.Set(at+"users.file", place(usersFile))
		}
	case "tokenapi":
		d.Set(at+"base_url", a.baseURL)
	case "oidc":
		d.Set(at+"issuer", a.issuer)
		d.Set(at+"client_id", a.clientID)
		switch {
		case !d.Has(at + "client_secret_file"):
		case hasSecret:
			d.Set(at+"client_secret_file", place(secretFile))
		default:
			d.Replace(at+"client_secret_file", "client_secret: ${"+secretVar+"}   # or client_secret_file: "+secretFile)
		}
	}
}

// routes says where the API and the app are.
func routes(d *configs.Draft, a *answers) {
	d.Set("routes[0].upstreams[0]", a.upstream)
	if strings.Contains(a.app, "://") {
		d.Set("routes[1].upstreams[0]", a.app)
		return
	}
	d.Replace("routes[1].upstreams", "static: "+configs.Quote(a.app))
}

func quoteAlways(text string) string {
	if quoted := configs.Quote(text); strings.HasPrefix(quoted, `"`) {
		return quoted
	}
	return `"` + text + `"`
}
