package tokenapi

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	"sessiongate/session"
)

// Options describe an API. What is said to be a place is text in one of these forms:
//
//	data.access_token      a field of the body: names and list positions, with dots between them
//	header:Authorization   a header; of Authorization, what follows "Bearer "
//	cookie:refresh_token   a cookie: in a reply Set-Cookie, in a request Cookie
//	query:key              in a request, a parameter of the URL
//	location:token         in a reply, a parameter of a redirect's target: of its query or fragment
//
// A name that itself has dots in it is found too (https://example.com/roles). In a reply, * is every
// entry of a list and every value of an object (roles.*.name), and "." is the body itself, where
// that is one JSON string, or one word and no JSON.
//
// A template is text with values in it, each encoded for its place:
//
//	{{username}} {{password}}              at a login; only in the body
//	{{extra.NAME}}                         at a login: what Endpoint.Extra lists
//	{{refresh_token}} {{access_token}}     in the other calls
//	{{subject}} {{claim.NAME}}             there: whose session it is, a claim of the access token
//	{{keep.NAME}}                          there: what Keep took of an earlier answer
//	{{values.NAME}}                        everywhere
//
// A template that is one value and nothing else keeps the value's type in JSON. One whose values
// are all absent is left out, with the field, header, cookie or parameter it would have filled.
type Options struct {
	Name string // the provider's name in the configuration

	Login   Endpoint // required
	Refresh Endpoint // without a URL: a session ends with its access token
	Logout  Endpoint // without a URL: nothing is revoked at the API
	Me      Endpoint // who a token belongs to; for Identity.From == FromMe

	Reply    Reply
	Identity IdentitySource
	Keep     []string          // lines "name: place": what later calls need of an answer
	Values   map[string]string // for templates, as values.NAME; may hold secrets
	// Environment are the variables that ${NAME} in bodies and templates stands for; $${ there is ${
	// itself. It may hold secrets.
	Environment map[string]string
	Forward     []string      // lines "place: template" for headers and cookies of requests on routes; nil: the access token in Authorization, as Bearer
	Stale       []string      // conditions: an upstream's word for a token that is no good. Default 401
	Verify      *Verification // nil: tokens are believed as they come, straight from the API

	Headers  http.Header   // sent with every request; may hold secrets
	Lifetime time.Duration // of an access token that says nothing itself. Default 5 min
	Timeout  time.Duration // of one call. Default 10 s
	TLS      *tls.Config   // nil: the system's roots

	// Issued sees the access token of every answer to a login and a refresh. It must not block and may
	// be called by several goroutines at once. nil: nobody looks.
	Issued func(access session.Secret)

	Now func() time.Time // for Retry-After dates and signature checks; nil: time.Now
	Log *slog.Logger     // nil: discarded
}

// Encoding is how a request body is written.
type Encoding string

// The encodings.
const (
	JSON Encoding = "json" // the default
	Form Encoding = "form" // application/x-www-form-urlencoded
)

// Endpoint is one URL of the API and what is sent to it.
type Endpoint struct {
	URL      string // absolute, http or https; empty: there is no such endpoint
	Method   string // default POST; GET for Me
	Encoding Encoding
	// Body replaces the body made from the places below: a JSON document or a form whose values are
	// templates.
	Body string

	// Where each value goes. Username and Password belong to a login and are fields; the tokens
	// belong to the other endpoints. Empty: it is not sent. If a refresh or a logout names no place
	// at all, has no Body and no token in Send, the refresh token is the field refresh_token; Me
	// gets the access token in header:Authorization.
	Username     string // default username
	Password     string // default password
	RefreshToken string
	AccessToken  string

	// Refused are the statuses, 400 to 499, by which the API says no for good: this password, this
	// token. Default for a login 400, 401, 403 and 422, else 401. 400 with the error invalid_grant
	// always counts; 408 and 429 never do.
	Refused []int

	Send []string // lines "place: template", beside the fields above; cut at the first ": "

	// Answers are lines "meaning: conditions" that come before Refused; the first of which the
	// conditions hold says what the answer means, whatever its status. A meaning is one of
	// [Meanings]. Conditions have blanks between them: statuses (401, 4xx), of which one must be the
	// answer's, and place=value, all of which must hold. Numbers and booleans are compared as JSON
	// spells them; 1002* is a beginning; =* holds of what is there and not null, false or empty;
	// a value may stand in double quotes. 64 lines at most.
	Answers []string

	Extra     []string // of a login: names of fields of the request for templates; 16 at most
	Relay     []string // of a login: fields of an answer that asks for another step which the page gets, 2 KiB in all
	NeedsLive bool     // of a refresh: it takes only a token that has not expired
}

// Reply says where the tokens stand in a successful answer: lists of places, of which the first that
// is there counts.
type Reply struct {
	AccessToken  []string // default access_token
	RefreshToken []string // empty, or absent in the answer: the API does not rotate, or has none
	// ExpiresIn is when the token expires, or how long it lives: a number of ExpiresUnit or, from
	// 1e9 on, a time since 1970; a date; or text such as 15m. The token's own exp counts too, and
	// the smaller wins. Empty, absent or nonsense: only exp counts, else Options.Lifetime.
	ExpiresIn []string
	// ExpiresUnit is the unit of plain numbers: time.Second, the default, or time.Millisecond. With
	// the latter only numbers from 1e11 on are times since 1970.
	ExpiresUnit time.Duration
}

// IdentityFrom says what the user is read from.
type IdentityFrom string

// The sources of identity.
const (
	FromToken IdentityFrom = "token" // claims of the access token, a JWT. The default
	FromReply IdentityFrom = "reply" // the answer to the login
	FromMe    IdentityFrom = "me"    // the answer of Options.Me
)

// IdentitySource says where the user is described and by which names. The names are fields as in a
// place.
type IdentitySource struct {
	From    IdentityFrom
	Subject string // required; a text or a number. Default sub
	Name    string // for display; absent in the answer: the subject
	// Roles and Scopes are fields, all of them together: a text with commas, for scopes with blanks
	// too (RFC 6749 §3.3); a list of texts and numbers; an object, of which the names with true
	// count; or true, which is the field's last name.
	Roles, Scopes []string
	// RoleMap are lines "theirs: ours". Roles that it does not name stay as they are.
	RoleMap []string
	Claims  []string
}

// Verification makes the access token's signature count. Exactly one of Key and JWKS is set. A
// token must then have an exp that has not passed (60 s of leeway).
type Verification struct {
	Key      []byte // a PEM public key, or a secret shared with the API (HS256, HS384, HS512)
	JWKS     string // URL of a JWK set (RFC 7517)
	Issuer   string // exact iss; empty: not checked
	Audience string // must be in aud; empty: not checked
}

const (
	defaultLifetime = 5 * time.Minute
	defaultTimeout  = 10 * time.Second
)

// tokenInTemplate finds a token among the values of a template.
var tokenInTemplate = regexp.MustCompile(`\{\{\s*(refresh|access)_token\s*\}\}`)

// withDefaults returns o with every default filled in.
func (o Options) withDefaults() Options {
	or := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	if o.Login.Body == "" {
		or(&o.Login.Username, "username")
		or(&o.Login.Password, "password")
	}
	if o.Login.Refused == nil {
		o.Login.Refused = []int{400, 401, 403, 422}
	}
	for _, e := range []*Endpoint{&o.Refresh, &o.Logout} {
		if e.Body == "" && e.RefreshToken == "" && e.AccessToken == "" && !slices.ContainsFunc(e.Send, tokenInTemplate.MatchString) {
			e.RefreshToken = "refresh_token"
		}
	}
	or(&o.Me.Method, http.MethodGet)
	or(&o.Me.AccessToken, "header:Authorization")
	for _, e := range []*Endpoint{&o.Login, &o.Refresh, &o.Logout, &o.Me} {
		or(&e.Method, http.MethodPost)
		or((*string)(&e.Encoding), string(JSON))
		if e.Refused == nil {
			e.Refused = []int{401}
		}
	}
	if len(o.Reply.AccessToken) == 0 {
		o.Reply.AccessToken = []string{"access_token"}
	}
	or((*string)(&o.Identity.From), string(FromToken))
	or(&o.Identity.Subject, "sub")
	if o.Lifetime == 0 {
		o.Lifetime = defaultLifetime
	}
	if o.Stale == nil {
		o.Stale = []string{"401"}
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Reply.ExpiresUnit == 0 {
		o.Reply.ExpiresUnit = time.Second
	}
	return o
}
