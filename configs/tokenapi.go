package configs

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// TokenAPIProvider relays to an API that answers a login with tokens. What stands beside Preset
// replaces what the preset says.
//
// A place is a field (data.access_token), header:NAME or cookie:NAME; in a request also query:NAME,
// in a reply location:NAME, the query or fragment of a redirect. In an optional place empty text
// means: not at all. In a reply, * in a field is every entry or value (roles.*.name).
//
// A template is text with {{value}} in it: username, password and extra.NAME at a login;
// refresh_token, access_token, subject, claim.NAME (of the access token) and keep.NAME later;
// values.NAME everywhere. ${NAME} is a variable of the environment. Each is encoded for its place.
// What has only values that are not there is left out.
type TokenAPIProvider struct {
	// Preset names a fragment that ships with the program: aspnet-identity, authx, devise-jwt,
	// directus, django-simplejwt, djoser, fastapi-oauth2, fastapi-tutorial, firebase,
	// flask-jwt-extended, flask-jwt-extended-cookies, laravel-passport, node-express-boilerplate,
	// payload, pocketbase, strapi, supabase or tymon. Default none.
	Preset string `yaml:"preset"`
	// BaseURL is what the paths below are appended to. Required.
	BaseURL string `yaml:"base_url,required" eg:"http://api:8000"`
	// Aliases are other host:port of the same API, as routes may name it. Default none.
	Aliases []string `yaml:"aliases"`
	// Values are for templates, as {{values.NAME}}. Default none.
	Values []TokenAPIHeader `yaml:"values"`
	// Keep are lines "name: place": what later calls need of an answer to login or refresh, as
	// {{keep.NAME}}. It is sealed with the tokens, 4 KiB together at most. Default none.
	Keep []string `yaml:"keep"`
	// Login takes the user name and the password. Its path is required, here or by the preset.
	Login TokenAPILogin `yaml:"login"`
	// Refresh takes the refresh token. Default: there is none, and a session ends with its access
	// token.
	Refresh TokenAPIRefresh `yaml:"refresh"`
	// Logout revokes the tokens. Default: there is none.
	Logout TokenAPICall `yaml:"logout"`
	// Me answers whose token it is. Default: there is none.
	Me TokenAPIMe `yaml:"me"`
	// Reply says where the tokens stand in an answer.
	Reply TokenAPIReply `yaml:"reply"`
	// Identity says where the user is described, and by which names.
	Identity TokenAPIIdentity `yaml:"identity"`
	// Forward are lines "place: template": how requests on routes carry the token. Default
	// "header:Authorization: Bearer {{access_token}}".
	Forward []Template `yaml:"forward"`
	// Stale is an upstream's word for a token that is no good, on any route: statuses, or place=value
	// of an answer in JSON of at most 4 KiB, whose length is told. The token is then refreshed, and
	// what may be repeated is sent again. Empty: none is. Default [401].
	Stale []Condition `yaml:"stale"`
	// AppCalls are the API's paths that the app may go on calling: login, refresh, logout. It gets
	// Placeholder in the place of tokens. Default none.
	AppCalls []string `yaml:"app_calls"`
	// Capture are further paths of the API whose answers become sessions. Default none.
	Capture []TokenAPICapture `yaml:"capture"`
	// Leaks says what becomes of tokens in other answers of this API: mask or pass. Default mask.
	Leaks string `yaml:"leaks" oneof:"mask pass"`
	// Placeholder is what a page sees where a token stood. Default session.
	Placeholder string `yaml:"placeholder"`
	// Verify makes the access token's signature count. Default: absent, tokens straight from the
	// API are believed.
	Verify *TokenAPIVerify `yaml:"verify"`
	// Headers are sent with every request to the API. Default none.
	Headers []TokenAPIHeader `yaml:"headers"`
	// AccessLifetime is that of an access token which says nothing itself. Default 5m, 1s to 365d.
	AccessLifetime Duration `yaml:"access_lifetime" range:"1s..365d"`
	// Timeout bounds one call. Default 10s, 100ms to 2m.
	Timeout Duration `yaml:"timeout" range:"100ms..2m"`
	// TLS says whom to trust for https. Default: absent, the system's certificates.
	TLS *ClientTLS `yaml:"tls"`
	// Environment are the variables that the templates may name. Not a key of the file.
	Environment map[string]Secret `yaml:"-"`
}

// TokenAPILogin is the endpoint that takes a password.
type TokenAPILogin struct {
	// Path is appended to base_url; a whole URL is taken as it is.
	Path string `yaml:"path"`
	// Method in upper case. Default POST.
	Method string `yaml:"method"`
	// Encoding of the body: json or form. Default json.
	Encoding string `yaml:"encoding" oneof:"json form"`
	// Body replaces the body made from the fields: JSON or a form with {{username}} and
	// {{password}} in its values.
	Body Template `yaml:"body" empty:"means"`
	// Username is the field for the user name. Default username.
	Username string `yaml:"username"`
	// Password is the field for the password. Default password.
	Password string `yaml:"password"`
	// Refused are the statuses that mean wrong credentials. Default [400, 401, 403, 422].
	Refused []int `yaml:"refused"`
	// Extra are the names of further fields of POST /auth/login, scalars of at most 2 KiB, for
	// templates: {{extra.NAME}}. Our page asks for them after mfa_required. Default none, at most
	// 16.
	Extra []string `yaml:"extra"`
	// Send are lines "place: template", beside the other keys. Default none.
	Send []Template `yaml:"send"`
	// Answers are lines "meaning: conditions"; the first that holds wins, before Refused. Conditions
	// are statuses (401, 4xx) and place=value, all of a line together: a value is text, or a number
	// or boolean as JSON spells it, "text with blanks", a beginning (1002*), or * for what is there
	// and not null, false or empty. Meanings: ok (then no other 2xx is), refused, fault,
	// mfa_required, email_not_confirmed, account_locked, account_disabled, password_expired,
	// captcha_required and too_many_attempts. Default none.
	Answers []string `yaml:"answers"`
	// Relay are fields of an mfa_required answer that the app gets, as members of step: texts,
	// numbers, booleans and lists, 2 KiB in all, and no JWT or token. Default none.
	Relay []string `yaml:"relay"`
}

// TokenAPICall is an endpoint that takes tokens.
type TokenAPICall struct {
	// Path is appended to base_url; a whole URL is taken as it is. Empty: there is no such
	// endpoint.
	Path string `yaml:"path" empty:"means"`
	// Method in upper case. Default POST.
	Method string `yaml:"method"`
	// Encoding of the body: json or form. Default json.
	Encoding string `yaml:"encoding" oneof:"json form"`
	// Body replaces the body made from the fields, with {{refresh_token}} and {{access_token}} in
	// its values.
	Body Template `yaml:"body" empty:"means"`
	// RefreshToken is the place for the refresh token. Default refresh_token, where access_token
	// and body are not written.
	RefreshToken string `yaml:"refresh_token" empty:"means"`
	// AccessToken is the place for the access token. Default empty.
	AccessToken string `yaml:"access_token" empty:"means"`
	// Refused are the statuses that mean a token is no good any more; 400 with invalid_grant always
	// does. Without a JSON body, or with another 4xx, it may be a proxy's: then only the second time,
	// and if others are refreshed meanwhile. Default [401].
	Refused []int `yaml:"refused"`
	// Send are lines "place: template", beside the other keys. Default none.
	Send []Template `yaml:"send"`
	// Answers are lines "meaning: conditions"; the first that holds wins, before Refused. Meanings
	// are ok, refused and fault, and account_disabled for a refresh. Default none.
	Answers []string `yaml:"answers"`
}

// TokenAPIRefresh is the endpoint that takes the refresh token.
type TokenAPIRefresh struct {
	TokenAPICall `yaml:",inline"`
	// NeedsLive says that only a token which has not expired can be refreshed. Default false.
	NeedsLive bool `yaml:"needs_live"`
}

// TokenAPIMe is the endpoint that describes the user.
type TokenAPIMe struct {
	// Path is appended to base_url; a whole URL is taken as it is. Empty: there is no such
	// endpoint.
	Path string `yaml:"path" empty:"means"`
	// Method in upper case. Default GET.
	Method string `yaml:"method"`
	// AccessToken is the place for the access token. Default header:Authorization.
	AccessToken string `yaml:"access_token"`
	// Send are lines "place: template", beside AccessToken. Default none.
	Send []Template `yaml:"send"`
}

// TokenAPICapture is a path of the API whose answers sign in.
type TokenAPICapture struct {
	// Path as the API has it. Required.
	Path string `yaml:"path,required" eg:"/auth/register"`
	// Methods in upper case. A GET needs Begins. Default [POST].
	Methods []string `yaml:"methods"`
	// Statuses of an answer that signs in, 200 to 299; with Begins redirects do as well. Default
	// [200, 201].
	Statuses []int `yaml:"statuses"`
	// Begins is the path that begins a sign-in which ends at Path, for a GET: it binds the browser
	// for ten minutes. Default empty.
	Begins string `yaml:"begins"`
}

// TokenAPIReply says where things stand in the answer to a login and to a refresh. Each is a place,
// or a list of which the first that is there counts.
type TokenAPIReply struct {
	// AccessToken is the place of the access token. Default access_token.
	AccessToken Places `yaml:"access_token"`
	// RefreshToken is the place of the refresh token. Default refresh_token.
	RefreshToken Places `yaml:"refresh_token" empty:"means"`
	// ExpiresIn is the place of the access token's lifetime or end: a number of expires_unit, a
	// number of seconds or milliseconds since 1970, a date, or text such as 15m. The token's exp
	// counts where it is sooner, and access_lifetime where there is neither. Default expires_in.
	ExpiresIn Places `yaml:"expires_in" empty:"means"`
	// ExpiresUnit is that of plain numbers: s or ms. From 1e9 on a number of s is a time since
	// 1970, from 1e11 on any number is one, in milliseconds. Default s.
	ExpiresUnit string `yaml:"expires_unit" oneof:"s ms"`
}

// TokenAPIIdentity says where the user is described. All but From are fields.
type TokenAPIIdentity struct {
	// From is token (claims of the access token), reply (the answer to the login) or me. Default
	// token.
	From string `yaml:"from" oneof:"token reply me"`
	// Subject names the user for good. Default sub.
	Subject string `yaml:"subject"`
	// Name is for display. Default name; where nothing is there, the subject.
	Name string `yaml:"name" empty:"means"`
	// Roles is a field or a list of them, all together: a text with commas, a list of texts and
	// numbers, an object of which the names with true count, or true, which is the field's last
	// name. Default roles.
	Roles Places `yaml:"roles" empty:"means"`
	// Scopes is as Roles; a text also splits at blanks. Default scope.
	Scopes Places `yaml:"scopes" empty:"means"`
	// RoleMap are lines "theirs: ours". A role that none of them names stays as it is. Default none.
	RoleMap []string `yaml:"role_map"`
	// Claims are further fields for the session document. Default none.
	Claims []string `yaml:"claims"`
}

// TokenAPIVerify checks the access token, with exactly one sort of key.
type TokenAPIVerify struct {
	// JWTKey is the secret the API signs with (HS256, HS384, HS512), from the environment.
	JWTKey Secret `yaml:"jwt_key"`
	// JWTKeyFile is a file with that secret.
	JWTKeyFile Path `yaml:"jwt_key_file"`
	// PublicKeyFile is the API's public key in PEM.
	PublicKeyFile Path `yaml:"public_key_file"`
	// JWKSURL is where the API publishes its keys.
	JWKSURL string `yaml:"jwks_url"`
	// Issuer is the iss a token must have. Default empty: any.
	Issuer string `yaml:"issuer"`
	// Audience must be among the token's aud. Default empty: any.
	Audience string `yaml:"audience"`
}

// TokenAPIHeader is a header for the API: a name, and one of the others.
type TokenAPIHeader struct {
	// Name of the header. Required.
	Name string `yaml:"name,required" eg:"apikey"`
	// Value where it is no secret.
	Value string `yaml:"value"`
	// Secret is a value from the environment.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file with the value.
	SecretFile Path `yaml:"secret_file"`
}

// ClientTLS says whom to trust on the way out.
type ClientTLS struct {
	// CAFile has PEM certificates to trust instead of the system's.
	CAFile Path `yaml:"ca_file"`
	// ServerName is the name the certificate must have. Default: the host of the URL.
	ServerName string `yaml:"server_name"`
}

func newTokenAPI() TokenAPIProvider {
	return TokenAPIProvider{
		Login:   TokenAPILogin{Method: "POST", Encoding: "json", Username: "username", Password: "password", Refused: []int{400, 401, 403, 422}, Extra: []string{}, Send: []Template{}, Answers: []string{}, Relay: []string{}},
		Refresh: TokenAPIRefresh{TokenAPICall: TokenAPICall{Method: "POST", Encoding: "json", Refused: []int{401}, Send: []Template{}, Answers: []string{}}},
		Logout:  TokenAPICall{Method: "POST", Encoding: "json", Refused: []int{401}, Send: []Template{}, Answers: []string{}},
		Me:      TokenAPIMe{Method: "GET", AccessToken: "header:Authorization", Send: []Template{}},
		Reply: TokenAPIReply{
			AccessToken: Places{"access_token"}, RefreshToken: Places{"refresh_token"}, ExpiresIn: Places{"expires_in"}, ExpiresUnit: "s",
		},
		Identity: TokenAPIIdentity{
			From: "token", Subject: "sub", Name: "name", Roles: Places{"roles"}, Scopes: Places{"scope"}, RoleMap: []string{}, Claims: []string{},
		},
		Aliases: []string{}, Values: []TokenAPIHeader{}, Keep: []string{}, Forward: []Template{}, Stale: []Condition{"401"},
		AppCalls: []string{}, Capture: []TokenAPICapture{}, Leaks: "mask", Placeholder: "session",
		Headers: []TokenAPIHeader{}, AccessLifetime: Duration(defaultAPILifetime), Timeout: Duration(defaultAPITimeout),
	}
}

// URL is where a path of the API stands; empty for an empty path.
func (t *TokenAPIProvider) URL(path string) string {
	if path == "" || strings.Contains(path, "://") {
		return path
	}
	return strings.TrimSuffix(t.BaseURL, "/") + path
}

// deriveTokenAPI gives a call that says nothing else the refresh token as a field.
func deriveTokenAPI(t *TokenAPIProvider) {
	for _, call := range []*TokenAPICall{&t.Refresh.TokenAPICall, &t.Logout} {
		if call.Body == "" && call.RefreshToken == "" && call.AccessToken == "" && !sendsToken(call.Send) {
			call.RefreshToken = "refresh_token"
		}
	}
}

const (
	defaultAPILifetime = 5 * time.Minute
	defaultAPITimeout  = 10 * time.Second
)

// tokenAPIFiles looks at the files of a token API that hold no secret.
func tokenAPIFiles(f files, path string, t *TokenAPIProvider) {
	if t.TLS != nil {
		f.named(path+".tls.ca_file", t.TLS.CAFile, false)
	}
	if t.Verify != nil {
		f.named(path+".verify.public_key_file", t.Verify.PublicKeyFile, false)
	}
}

// checkTokenAPI looks at what can be told without knowing the API; the provider itself checks
// places and templates.
func checkTokenAPI(c *checker, path string, t *TokenAPIProvider) {
	if !c.anyBroken(path+".base_url") && (!apiURL(t.BaseURL) || strings.Contains(t.BaseURL, "?")) {
		c.problem(path+".base_url", "is not an http or https URL without user name, query and fragment", "write base_url: http://api:8000")
	}
	if t.Login.Path == "" && !c.anyBroken(path+".login", path+".login.path", path+".preset") {
		c.problem(path+".login.path", "is missing", "write preset: fastapi-tutorial, or login: {path: /auth/login}")
	}
	checkAPICall(c, path+".login", t.Login.Path, t.Login.Method, t.Login.Refused)
	checkAPICall(c, path+".refresh", t.Refresh.Path, t.Refresh.Method, t.Refresh.Refused)
	checkAPICall(c, path+".logout", t.Logout.Path, t.Logout.Method, t.Logout.Refused)
	checkAPICall(c, path+".me", t.Me.Path, t.Me.Method, nil)
	if t.Identity.From == "me" && t.Me.Path == "" && !c.anyBroken(path+".me", path+".me.path", path+".identity") {
		c.problem(path+".me.path", "is missing, and identity.from is me", "write me: {path: /me}")
	}
	checkAnswers(c, path+".login", "login", t.Login.Answers)
	checkAnswers(c, path+".refresh", "refresh", t.Refresh.Answers)
	checkAnswers(c, path+".logout", "logout", t.Logout.Answers)
	checkExtra(c, path+".login.extra", t.Login.Extra)
	checkTemplates(c, path, t)
	checkCaptures(c, path, t)
	checkAPIVerify(c, path+".verify", t.Verify)
	checkAPILeaks(c, path, t)
	for i := range t.Headers {
		checkAPIHeader(c, index(path+".headers", i), &t.Headers[i])
	}
	for i := range t.Values {
		checkAPIHeader(c, index(path+".values", i), &t.Values[i])
	}
}

// checkAPICall looks at one endpoint.
func checkAPICall(c *checker, path, target, method string, refused []int) {
	if target != "" && !strings.HasPrefix(target, "/") && !apiURL(target) {
		c.problem(path+".path", "does not start with a slash", "write path: "+c.quoteFix(path+".path", "/"+target, "/auth/login"))
	}
	if !methodShape.MatchString(method) {
		c.problem(path+".method", c.quote(path+".method", method)+" is not a method in upper case", "write POST")
	}
	for i, status := range refused {
		if status < 400 || status > 499 || status == 408 || status == 429 {
			c.problem(index(path+".refused", i), strconv.Itoa(status)+" cannot mean refused", "write 400 to 499, but for 408 and 429")
		}
	}
}

func checkAPIVerify(c *checker, path string, v *TokenAPIVerify) {
	if v == nil || c.brokenBelow(path) {
		return
	}
	keys := 0
	for _, given := range []bool{!v.JWTKey.Empty(), v.PublicKeyFile != "", v.JWKSURL != ""} {
		if given {
			keys++
		}
	}
	switch {
	case keys != 1:
		c.problem(path, "needs exactly one of jwt_key, jwt_key_file, public_key_file and jwks_url", "write jwks_url: https://api.example.com/.well-known/jwks.json")
	case v.JWKSURL != "" && !apiURL(v.JWKSURL):
		c.problem(path+".jwks_url", "is not an http or https URL", "write jwks_url: https://api.example.com/.well-known/jwks.json")
	}
}

func checkAPIHeader(c *checker, path string, h *TokenAPIHeader) {
	if c.anyBroken(path, path+".name", path+".value", path+".secret", path+".secret_file") {
		return
	}
	switch {
	case !headerName.MatchString(h.Name):
		c.problem(path+".name", c.quote(path+".name", h.Name)+" is not the name of a header", "write name: apikey")
	case (h.Value == "") == h.Secret.Empty():
		c.problem(path, "needs one of value, secret and secret_file", "write secret: ${API_KEY}")
	}
}

// apiURL takes an address with a path. A query belongs to a path of its own, a user name nowhere.
func apiURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Opaque == "" &&
		u.User == nil && u.Fragment == ""
}

// aliasShape is a host, with a port perhaps.
var aliasShape = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// placeholderShape is text that needs no escape in JSON, nor in a header.
var placeholderShape = regexp.MustCompile(`^[!#-\[\]-~]{1,64}$`)

// checkAPILeaks looks at what is said about the API's other answers.
func checkAPILeaks(c *checker, path string, t *TokenAPIProvider) {
	for i, alias := range t.Aliases {
		if !aliasShape.MatchString(alias) {
			at := index(path+".aliases", i)
			c.problem(at, c.quote(at, alias)+" is not host:port", "write api.internal:8000")
		}
	}
	if !placeholderShape.MatchString(t.Placeholder) && !c.anyBroken(path+".placeholder") {
		c.problem(path+".placeholder", "is not 1 to 64 visible ASCII characters without quotes and backslashes", "write placeholder: session")
	}
}
