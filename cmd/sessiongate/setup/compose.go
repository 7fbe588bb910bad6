package setup

import (
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

// server sets the address, and listens on the port that it names on this machine. Elsewhere
// something stands in front, and which port that wants is its affair.
func server(d *configs.Draft, publicURL string) {
	d.Set("server.public_url", publicURL)
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "http" || d.Has("server.listen") {
		return
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	if port != "8080" {
		d.Replace("server.public_url", "public_url: "+configs.Quote(publicURL), "listen: "+configs.Quote(":"+port))
	}
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
