package configs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Provider is one entry of `providers`: where identity and tokens come from. Its keys depend on its
// kind; exactly the field of that kind is set.
//
// To add a kind: write its struct, add a field tagged kind=NAME, and check it in checkProviders.
// Reading, suggestions and printing follow from the tag.
type Provider struct {
	// Name is unique, of lower-case letters, digits and dashes. It stands in URLs and in the
	// session. Required.
	Name string `yaml:"name,required" eg:"local"`
	// Kind is local, tokenapi or oidc. Required.
	Kind string `yaml:"kind,required" eg:"local"`
	// Label is what the login page calls the provider. Default its name.
	Label string `yaml:"label"`
	// Local is set where Kind is local.
	Local *LocalProvider `yaml:",kind=local"`
	// TokenAPI is set where Kind is tokenapi.
	TokenAPI *TokenAPIProvider `yaml:",kind=tokenapi"`
	// OIDC is set where Kind is oidc.
	OIDC *OIDCProvider `yaml:",kind=oidc"`
}

// LocalProvider has its own users and signs its own tokens.
type LocalProvider struct {
	// Users says where the users are. Required.
	Users Users `yaml:"users,required" eg:"{file: users.yaml}"`
	// AccessLifetime is how long an access token is valid. Default 10m, or session.idle_timeout
	// where that is shorter; 1s to 24h.
	AccessLifetime Duration `yaml:"access_lifetime" range:"1s..24h"`
	// Issuer is the `iss` of the tokens. Default server.public_url.
	Issuer string `yaml:"issuer"`
	// Audience is the `aud` of the tokens: what the APIs expect. Default the issuer.
	Audience string `yaml:"audience"`
	// PasswordChange says what becomes of a user's sessions when the password changes: end (at their
	// next refresh, and so does the session of who changed it) or keep. Default end.
	PasswordChange string `yaml:"password_change" oneof:"end keep"`
}

// Users says where the users of a local provider are: exactly one of its keys.
type Users struct {
	// File is a users file.
	File Path `yaml:"file"`
	// Database is what the app keeps its users in: postgres://user:password@host:5432/name, or
	// mysql://user:password@host:3306/name for MySQL and MariaDB, with TLS unless the host is this
	// machine (?tls=false, ?tls=skip-verify, ?tls_ca=FILE, or a ?socket=PATH without a host). With a
	// password in it, it or the password is written as ${NAME}. The database is read and never written.
	Database Secret `yaml:"database"`
	// DatabaseFile is a file that holds the URL of the database.
	DatabaseFile Path `yaml:"database_file"`
	// Query finds a user by the name that was typed ($1; for MySQL and MariaDB ?), in at most one row with the columns name
	// and password_hash (argon2id, bcrypt, or as Django, Spring or Werkzeug writes it), and if wanted
	// subject, roles, scopes, disabled, display_name, credential (what changes with the password;
	// default the hash). Required with database.
	Query string `yaml:"query"`
	// QueryBySubject finds the same row by subject ($1 or ?); it is asked at every refresh. Required
	// where query returns a subject that is not the name.
	QueryBySubject string `yaml:"query_by_subject"`
	// Demo takes the two users of the demo, whose passwords everybody knows; only with a loopback
	// public_url. The text demo is short for it. Default false.
	Demo bool `yaml:"demo"`
}

// setShort takes `users: demo`.
func (u *Users) setShort(text string) string {
	if text != "demo" {
		return "write users: {file: users.yaml}"
	}
	u.Demo = true
	return ""
}

// unknownKind explains a kind that no field of Provider is tagged with.
func (Provider) unknownKind(string) string { return "there is no such kind" }

var (
	providerName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	hostShape    = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
)

// deriveProviders fills in what follows from other keys.
func deriveProviders(c *checker) {
	for i := range c.config.Providers {
		if api := c.config.Providers[i].TokenAPI; api != nil {
			deriveTokenAPI(api)
			deriveEnvironment(c, api)
		}
		local := c.config.Providers[i].Local
		if local == nil {
			continue
		}
		if !c.wrote(index("providers", i) + ".access_lifetime") {
			local.AccessLifetime = min(local.AccessLifetime, c.config.Session.IdleTimeout)
		}
		if local.Issuer == "" {
			local.Issuer = c.config.Server.PublicURL
		}
		if local.Audience == "" {
			local.Audience = local.Issuer
		}
	}
}

// providerFiles looks at the files of a provider that were not read as secrets.
func providerFiles(f files, path string, p *Provider) {
	if p.Local != nil && p.Local.Users.File != "" {
		if list := p.Local.Users.File; !f.missing(path+".users.file", list, "sessiongate users add NAME --file "+list.String()) {
			f.privateFile(path+".users.file", list)
		}
	}
	if p.TokenAPI != nil {
		tokenAPIFiles(f, path, p.TokenAPI)
	}
	if p.OIDC != nil && p.OIDC.TLS != nil {
		f.named(path+".tls.ca_file", p.OIDC.TLS.CAFile, false)
	}
}

func checkProviders(c *checker) {
	first := make(map[string]string)
	for i := range c.config.Providers {
		p, path := &c.config.Providers[i], index("providers", i)
		checkProviderName(c, path+".name", p.Name, first)
		if p.Local != nil {
			checkLocal(c, path, p.Local)
		}
		if p.TokenAPI != nil {
			checkTokenAPI(c, path, p.TokenAPI)
		}
		if p.OIDC != nil {
			checkOIDC(c, path, p.OIDC)
		}
	}
}

func checkProviderName(c *checker, path, name string, first map[string]string) {
	earlier, twice := first[name]
	switch {
	case c.anyBroken(path):
		return // reported already
	case !providerName.MatchString(name):
		c.problem(path, c.quote(path, name)+" is not made of a-z, 0-9 and dashes", "write name: local")
	case twice:
		c.problem(path, c.quote(path, name)+" is the name of "+earlier+" as well", "write another name")
	default:
		first[name] = parent(path)
	}
}

func checkLocal(c *checker, path string, l *LocalProvider) {
	checkUsers(c, path+".users", &l.Users)
	checkAccess(c, path+".access_lifetime", l.AccessLifetime)
	if u, err := url.Parse(l.Issuer); c.wrote(path+".issuer") && (err != nil || u.Host == "" || u.User != nil ||
		(u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "") {
		c.problem(path+".issuer", "is not an http(s) URL without user name, query and fragment (RFC 8414 section 2)", "write issuer: https://app.example.com")
	}
}

func checkUsers(c *checker, path string, u *Users) {
	database := c.wrote(path+".database") || c.wrote(path+".database_file")
	sources := 0
	for _, there := range []bool{u.File != "", u.Demo, database} {
		if there {
			sources++
		}
	}
	switch {
	case c.anyBroken(path, path+".file", path+".demo", path+".database", path+".database_file"):
		return // reported already
	case sources == 0:
		c.problem(path, "says nothing", "write users: {file: users.yaml}")
	case sources > 1:
		c.problem(path, "names more than one source of users", "write one of file, database and demo")
	case u.Demo && !c.loopback():
		c.problem(path, "the demo's passwords are public, and server.public_url is not loopback", "write users: {file: users.yaml}")
	}
	checkQueries(c, path, u, database)
}

func checkQueries(c *checker, path string, u *Users, database bool) {
	address := u.Database.Reveal()
	mark, example := placeholder(address)
	known := address != "" // else what is wrong with it is reported, and the mark may be either
	queries := []struct{ name, text string }{{"query", u.Query}, {"query_by_subject", u.QueryBySubject}}
	for _, q := range queries {
		at := path + "." + q.name
		switch {
		case c.anyBroken(at) || !c.wrote(at):
		case !database:
			c.problem(at, "is for users in a database", "write database, or remove it")
		case mark == "?" && strings.Contains(q.text, "$1"):
			c.problem(at, "has $1, which MySQL and MariaDB take for the name of a column", example)
		case !strings.Contains(q.text, mark) && (known || !strings.Contains(q.text, "?")):
			c.problem(at, "has no "+mark+" for what to look for", example)
		}
	}
	if !database || c.anyBroken(path+".database", path+".database_file") {
		return
	}
	if !c.wrote(path + ".query") {
		c.problem(path, "has a database and no query", example)
	}
	if !slices.Contains(databaseSchemes(), scheme(address)) {
		c.problem(path+".database", "is not a URL of PostgreSQL, MySQL or MariaDB", "write postgres://user:password@host:5432/name into it, or mysql://…")
	}
}

// placeholder returns what stands in a query of a database for the value to look for.
func placeholder(address string) (mark, example string) {
	mark = "$1"
	if isMySQL(address) {
		mark = "?"
	}
	return mark, "write query: SELECT email AS name, password_hash FROM users WHERE email = " + mark
}

func isMySQL(address string) bool { return scheme(address) == "mysql" || scheme(address) == "mariadb" }

func databaseSchemes() []string { return []string{"postgres", "postgresql", "mysql", "mariadb"} }

func scheme(address string) string {
	name, _, found := strings.Cut(address, "://")
	if !found {
		return ""
	}
	return name
}

// openDatabase tells a database's URL without a password: peer and certificate logins have none.
func openDatabase(text string) bool {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(databaseSchemes(), u.Scheme) {
		return false
	}
	_, password := u.User.Password()
	return !password && !strings.Contains(strings.ToLower(u.RawQuery), "pass")
}
