package configs

import (
	"net/url"
	"regexp"
)

// Provider is one entry of `providers`: where identity and tokens come from. Its keys depend on its kind; exactly the
// field of that kind is set.
//
// To add a kind: write its struct, add a field tagged kind=NAME, take NAME out of unknownKind, and check it in
// checkProviders. Reading, suggestions and printing follow from the tag.
type Provider struct {
	// Name is unique, of lower-case letters, digits and dashes. It stands in URLs and in the session. Required.
	Name string `yaml:"name,required" eg:"local"`
	// Kind is local. Required.
	Kind string `yaml:"kind,required" eg:"local"`
	// Local is set where Kind is local.
	Local *LocalProvider `yaml:",kind=local"`
}

// LocalProvider has its own users and signs its own tokens.
type LocalProvider struct {
	// Users says where the users are. Required.
	Users Users `yaml:"users,required" eg:"{file: users.yaml}"`
	// AccessLifetime is how long an access token is valid. Default 10m, or session.idle_timeout where that is shorter;
	// 1s to 24h.
	AccessLifetime Duration `yaml:"access_lifetime" range:"1s..24h"`
	// Issuer is the `iss` of the tokens. Default server.public_url.
	Issuer string `yaml:"issuer"`
	// Audience is the `aud` of the tokens: what the APIs expect. Default the issuer.
	Audience string `yaml:"audience"`
}

// Users says where the users of a local provider are: exactly one of its keys.
type Users struct {
	// File is a users file.
	File Path `yaml:"file"`
	// Demo takes the two users of the demo, whose passwords everybody knows; only with a loopback public_url. The text
	// demo is short for it. Default false.
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
func (Provider) unknownKind(kind string) string {
	switch kind {
	case "tokenapi", "oidc":
		return "kind " + kind + " is not in this version"
	}
	return "there is no such kind"
}

var (
	providerName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	hostShape    = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
)

// deriveProviders fills in what follows from other keys.
func (c *checker) deriveProviders() {
	for i := range c.config.Providers {
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

func (c *checker) checkProviders() {
	first := make(map[string]string)
	for i := range c.config.Providers {
		p, path := &c.config.Providers[i], index("providers", i)
		c.checkProviderName(path+".name", p.Name, first)
		if p.Local != nil {
			c.checkLocal(path, p.Local)
		}
	}
}

func (c *checker) checkProviderName(path, name string, first map[string]string) {
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

func (c *checker) checkLocal(path string, l *LocalProvider) {
	c.checkUsers(path+".users", &l.Users)
	c.checkAccess(path+".access_lifetime", l.AccessLifetime)
	if u, err := url.Parse(l.Issuer); c.wrote(path+".issuer") && (err != nil || u.Host == "" || u.User != nil ||
		(u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "") {
		c.problem(path+".issuer", "is not an http(s) URL without user name, query and fragment (RFC 8414 section 2)", "write issuer: https://app.example.com")
	}
}

func (c *checker) checkUsers(path string, u *Users) {
	switch {
	case c.anyBroken(path, path+".file", path+".demo"):
		return // reported already
	case u.File == "" && !u.Demo:
		c.problem(path, "says nothing", "write users: {file: users.yaml}")
	case u.File != "" && u.Demo:
		c.problem(path+".demo", "stands beside file", "write one of them")
	case u.Demo && !c.loopback():
		c.problem(path, "the demo's passwords are public, and server.public_url is not loopback", "write users: {file: users.yaml}")
	}
}
