package configs

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// OIDCProvider is an OpenID Connect provider. Its endpoints are found by discovery. Register there
// the redirect URI <public_url><auth_prefix>/callback/<name>, the post-logout redirect URI
// <public_url><auth_prefix>/logout/done and the back-channel logout URI
// <public_url><auth_prefix>/back-channel-logout/<name>.
type OIDCProvider struct {
	// Issuer is the provider's name for itself, exactly as its discovery document has it. https, or
	// http for loopback. Required.
	Issuer string `yaml:"issuer,required" eg:"https://id.example.com"`
	// ClientID is who the gateway is there. Required.
	ClientID string `yaml:"client_id,required" eg:"sessiongate"`
	// AuthMethod is how the gateway proves that: client_secret_basic, client_secret_post,
	// private_key_jwt, or none for a public client. Default client_secret_basic.
	AuthMethod string `yaml:"auth_method" oneof:"client_secret_basic client_secret_post private_key_jwt none"`
	// ClientSecret is for the two methods of that name: from the environment, or from
	// ClientSecretFile.
	ClientSecret Secret `yaml:"client_secret"`
	// ClientSecretFile holds the client secret. Not readable by everyone.
	ClientSecretFile Path `yaml:"client_secret_file"`
	// ClientKey is a PEM private key for private_key_jwt: from the environment, or from
	// ClientKeyFile.
	ClientKey Secret `yaml:"client_key"`
	// ClientKeyFile holds the key. Not readable by everyone.
	ClientKeyFile Path `yaml:"client_key_file"`
	// ClientKeyID is the kid of that key. Default: none is sent.
	ClientKeyID string `yaml:"client_key_id"`
	// AssertionAudience is the aud of the assertions of private_key_jwt. Default: the token
	// endpoint.
	AssertionAudience string `yaml:"assertion_audience"`
	// Scopes to ask for. Default [openid, profile, offline_access].
	Scopes []string `yaml:"scopes"`
	// Resource says which APIs the access token is for, by RFC 8707. Default none.
	Resource []string `yaml:"resource"`
	// Audience says so by the parameter audience, which some providers want instead. Default none.
	Audience string `yaml:"audience"`
	// AuthorizationParams are sent along to the provider's sign-in page. Default none.
	AuthorizationParams []OIDCParam `yaml:"authorization_params"`
	// IDTokenAlgs are the signatures that are accepted, where discovery names them too. Default:
	// every asymmetric one.
	IDTokenAlgs []string `yaml:"id_token_algs"`
	// RolesClaim is the claim with the user's roles: a list, a text with commas or blanks, or an
	// object whose names they are. Dots lead into objects, "*" stands for every entry of a list or
	// an object: roles.*.name. Default roles.
	RolesClaim string `yaml:"roles_claim" empty:"means"`
	// Userinfo asks the userinfo endpoint for what the ID token does not say. Default false.
	Userinfo bool `yaml:"userinfo"`
	// Timeout bounds a refresh with all it takes. Default 20s, 1s to 2m.
	Timeout Duration `yaml:"timeout" range:"1s..2m"`
	// TLS says whom to trust. Default: absent, the system's certificates.
	TLS *ClientTLS `yaml:"tls"`
	// Logout says what a logout means at the provider.
	Logout OIDCLogout `yaml:"logout"`
}

// OIDCParam is one parameter for the sign-in page.
type OIDCParam struct {
	// Name of the parameter. Required.
	Name string `yaml:"name,required" eg:"access_type"`
	// Value of the parameter. Required.
	Value string `yaml:"value,required" eg:"offline"`
}

// OIDCLogout says what a logout means at the provider.
type OIDCLogout struct {
	// RPInitiated sends the browser to the provider's logout page too, where it has one. Default
	// true.
	RPInitiated bool `yaml:"rp_initiated"`
	// Prompt is what the next sign-in in the same browser asks of the provider: login,
	// select_account or none. Default: login where the provider has no logout page or rp_initiated
	// is false, so that its own session goes on; else none.
	Prompt string `yaml:"prompt" oneof:"login select_account none"`
}

func newOIDC() OIDCProvider {
	return OIDCProvider{
		AuthMethod:  "client_secret_basic",
		Scopes:      []string{"openid", "profile", "offline_access"},
		Resource:    []string{},
		IDTokenAlgs: idTokenAlgs(),
		RolesClaim:  "roles",
		Timeout:     Duration(20 * time.Second),
		Logout:      OIDCLogout{RPInitiated: true},
	}
}

// idTokenAlgs are the asymmetric signature algorithms (RFC 7518 section 3.1, RFC 8037, RFC 9864).
func idTokenAlgs() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
}

func checkOIDC(c *checker, path string, o *OIDCProvider) {
	checkIssuer(c, path+".issuer", o.Issuer)
	checkClientAuth(c, path, o)
	if !slices.Contains(o.Scopes, "openid") && !c.anyBroken(path+".scopes") {
		c.problem(path+".scopes", "does not hold openid", "write scopes: [openid, profile, offline_access]")
	}
	checkWords(c, path+".scopes", o.Scopes)
	checkWords(c, path+".resource", o.Resource)
	if len(o.IDTokenAlgs) == 0 {
		c.problem(path+".id_token_algs", "is empty", "write id_token_algs: [RS256], or remove it")
	}
	for i, alg := range o.IDTokenAlgs {
		if !slices.Contains(idTokenAlgs(), alg) {
			at := index(path+".id_token_algs", i)
			c.problem(at, c.quote(at, alg)+" is not an asymmetric signature algorithm", "write RS256")
		}
	}
	for i, p := range o.AuthorizationParams {
		if at := index(path+".authorization_params", i) + ".name"; reservedParam(p.Name) && !c.anyBroken(at) {
			c.problem(at, c.quote(at, p.Name)+" is set by the gateway itself", "remove it")
		}
	}
}

// discoveryPath follows an issuer in the address of its discovery document.
const discoveryPath = "/.well-known/openid-configuration"

func checkIssuer(c *checker, path, issuer string) {
	if strings.HasSuffix(strings.TrimSuffix(issuer, "/"), discoveryPath) {
		c.problem(path, "is the address of the discovery document", "leave out "+discoveryPath)
		return
	}
	if what := issuerFault(issuer); what != "" && !c.anyBroken(path) {
		c.problem(path, what, "write issuer: https://id.example.com")
	}
}

// issuerFault is what is wrong with an issuer.
func issuerFault(issuer string) (what string) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#") ||
		u.Scheme != "https" && u.Scheme != "http":
		return "is not an http(s) URL without user name, query and fragment"
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return "is http, and anybody on the way could sign in as anyone"
	}
	return ""
}

// checkClientAuth wants what the method needs, and nothing that it does not use.
func checkClientAuth(c *checker, path string, o *OIDCProvider) {
	if c.anyBroken(path+".auth_method", path+".client_secret", path+".client_secret_file", path+".client_key", path+".client_key_file") {
		return
	}
	secret, key := !o.ClientSecret.Empty(), !o.ClientKey.Empty()
	switch o.AuthMethod {
	case "none":
		if secret || key {
			c.problem(path+".auth_method", "is none, and there is a secret", "write auth_method: client_secret_basic")
		}
	case "private_key_jwt":
		if !key {
			c.problem(path+".auth_method", "private_key_jwt needs a key", "write client_key_file: /run/secrets/client.pem")
		}
	default:
		if !secret {
			c.problem(path, "has no client secret", "write client_secret_file: /run/secrets/client, or auth_method: none for a public client")
		}
	}
}

// reservedParam holds for the parameters that are the gateway's to set.
func reservedParam(name string) bool {
	switch name {
	case "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "resource", "audience",
		"code_challenge", "code_challenge_method", "request", "request_uri", "max_age", "acr_values", "login_hint", "id_token_hint":
		return true
	}
	return false
}
