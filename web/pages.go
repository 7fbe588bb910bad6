package web

import (
	"cmp"
	"embed"
	"fmt"
	"strings"
	"time"

	"sessiongate/web/messages"
)

//go:embed templates
var templateFiles embed.FS

// Pages are the gateway's own pages as one site shows them. Make them once with NewPages; they never
// change afterwards and are safe for concurrent use.
type Pages struct {
	o        Options
	style    string
	scripts  scripts
	set      *messages.Set
	editions []*Edition
	logo     *Logo
}

// Options are how a site looks. The zero value is the gateway's own looks, in English and German.
type Options struct {
	Name       string                // of the site; empty: the pages name none
	Prefix     string                // of the gateway's endpoints; empty: /auth
	Accent     string                // #rrggbb; empty: the built-in one
	Stylesheet string                // after the built-in one; see [CheckStylesheet]
	Logo       []byte                // SVG, PNG or WebP; empty: the gateway's mark
	Languages  []string              // the first is spoken where none fits; empty: en, de
	Messages   []*messages.Catalogue // an operator's texts
	Home       string                // path where "Back" leads; empty: /
	Links      Links
	Footer     string // plain text
}

// Links lead on from the pages: each an https URL, or a path on this origin. Empty ones are left out.
type Links struct {
	Help, ForgotPassword, SignUp, Privacy, Terms string
}

// scripts are those that stand in pages, byte for byte.
type scripts struct{ fragment, account, reload, done string }

// Link is a labelled way on. Href is a path on this origin ("/app?x=1"); anything else (another
// origin, a script, a relative path) is rendered as "/", so that a page never sends its reader
// where an attacker wanted. A Link without Label is left out.
type Link struct {
	Label string
	Href  string
	// Keep: the fragment of the page's own address goes along, in browsers with scripts.
	Keep bool
	// NewTab: the page stays where it is.
	NewTab bool
}

// ProviderLink is one entry of the OpenID Connect picker: Name is the configured provider name,
// Label what the button says (Name if empty), Href the path that starts the login there.
type ProviderLink struct {
	Name  string
	Label string
	Href  string
}

// PasswordProvider is a provider that takes a user name and password. Label is Name if empty.
type PasswordProvider struct {
	Name  string
	Label string
}

// DemoUser is a user whose password the login page prints, with a button that signs in as that
// user: it posts demo_user and no password, so that a page has one field of each name. For the demo
// only.
type DemoUser struct {
	Name     string
	Password string
	Note     string // what this user is for, in a few words
}

// LoginPage is what the login page shows. The form posts username, password and return_to, and the
// chosen provider where there is one, as application/x-www-form-urlencoded.
type LoginPage struct {
	Action            string             // path the forms post to: /auth/login
	ReturnTo          string             // return URL, sent back as it is: check it when it arrives
	Error             string             // one short sentence for the reader; never an error's own text
	Notice            string             // why the reader is here: what became of the session; empty: not shown
	WrongCredentials  bool               // what Error says is about the two fields: mark them
	Username          string             // fills the user name again after an error
	Extra             []string           // names of further fields that this account needs, in the form's order
	Password          bool               // show the user name and password form
	PasswordProviders []PasswordProvider // one: sent along unseen; several: the reader chooses; none: field left out
	Provider          string             // name of the password provider chosen before
	Providers         []ProviderLink     // OpenID Connect providers to choose from
	DemoUsers         []DemoUser         // nil but in the demo; shown with the password form only
	SignedOut         bool               // the reader has just signed out, and signs in again with a click
	CookieProbeFailed bool               // the test cookie did not come back: say so, and what to do
	Confirm           *Confirm           // who is signed in and is asked again; nil: nobody is
}

// Confirm is why somebody who is signed in is asked to sign in once more.
type Confirm struct {
	User     string        // as they know themselves; empty: not named
	Within   time.Duration // how old their sign-in may be; 0: not at all
	Recent   bool          // Within counts
	Stronger bool          // another kind of sign-in is wanted
	Other    string        // path that begins a sign-in as somebody else
	Cancel   string        // path back
}

// Minutes is Within in minutes, rounded up; 0: a new sign-in is needed.
func (c *Confirm) Minutes() int { return int((c.Within + time.Minute - 1) / time.Minute) }

// MessagePage tells a person what happened to a navigation: an error, or a step that needs them.
type MessagePage struct {
	Status    int    // HTTP status, shown small above the title; 0: not shown
	Title     string // also the document's title
	Text      string // what it means and what to do about it
	Primary   Link   // the likely next step
	Secondary Link
	RequestID string // for the log; empty: not shown
	Detail    string // for developers, folded away; empty: not shown
	Origin    string // of the site, where the way on is there; empty: it is here
	Help      bool   // offer the site's help, where it has one
}

// LogoutPage asks whether to sign out. GET never ends a session: the button posts.
type LogoutPage struct {
	Action   string // path the form posts to: /auth/logout
	ReturnTo string // sent along as return_to; empty: field left out
	User     string // who is signed in, as they know themselves
	Provider string // where they signed in; empty: not shown
	Cancel   Link   // the way back
}

// SignedOutPage says that the session has ended.
type SignedOutPage struct {
	Text     string // empty: a sentence that fits a logout the reader asked for
	SignIn   Link
	Continue Link
}

// NewPages makes the pages. An error says which of the options is no good, or that the binary was
// built from broken files.
func NewPages(o Options) (*Pages, error) {
	o.Prefix, o.Home = cmp.Or(o.Prefix, "/auth"), localPath(o.Home)
	if len(o.Languages) == 0 {
		o.Languages = messages.BuiltIn()
	}
	p := &Pages{o: o}
	for name, dst := range map[string]*string{
		"style.css": &p.style, "fragment.js": &p.scripts.fragment, "account.js": &p.scripts.account, "reload.js": &p.scripts.reload,
		"done.js": &p.scripts.done,
	} {
		var err error
		if *dst, err = readBlock(name); err != nil {
			return nil, err
		}
	}
	if err := p.brand(); err != nil {
		return nil, err
	}
	var err error
	if p.set, err = messages.NewSet(o.Languages, o.Messages); err != nil {
		return nil, err
	}
	for _, l := range p.set.All() {
		e, err := p.edition(l)
		if err != nil {
			return nil, err
		}
		p.editions = append(p.editions, e)
	}
	return p, nil
}

// Edition returns the pages in the language that a request wants: of those in uiLocales (OpenID
// Connect Core §3.1.2.1) or Accept-Language the best there is, else the site's first. Both may be
// empty, and anything at all.
func (p *Pages) Edition(uiLocales, acceptLanguage string) *Edition {
	return p.editions[p.set.Choose(uiLocales, acceptLanguage)]
}

// Editions are the pages in each language, in the site's order. The list must not be changed.
func (p *Pages) Editions() []*Edition { return p.editions }

// Home is the path where "Back" leads.
func (p *Pages) Home() string { return p.o.Home }

// readBlock reads a stylesheet or script that goes into a page. The browser hashes the block after
// line ends have become \n (HTML §13.2.3.5), whatever the checkout made of them.
func readBlock(name string) (string, error) {
	text, err := templateFiles.ReadFile("templates/" + name)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n"), nil
}

// isCode guesses from a field's name whether a one-time code goes there, which browsers fill in.
func isCode(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "otp") || strings.Contains(name, "code")
}

// CSP returns the Content-Security-Policy of every page that has no method for its own: the
// stylesheet and the script that takes the fragment along by hash, forms to this origin, no frame.
func (p *Pages) CSP() string { return p.policy("'self'") }

func (p *Pages) policy(formAction string) string {
	return p.pageCSP(formAction) + "; script-src " + cspHash(p.scripts.fragment)
}

// LogoutCSP returns the policy of the logout page whose POST may be answered by a redirect to one
// of these origins (RP-initiated logout): Chromium applies form-action to the redirects after a
// form post too. An origin is "https://id.example.com", with a port where it has one; anything else
// is an error.
func (p *Pages) LogoutCSP(origins ...string) (string, error) {
	targets, err := formTargets(origins)
	if err != nil {
		return "", err
	}
	return p.policy(targets), nil
}

// localPath lets through paths on this origin only. Browsers read "\" as "/" and drop tabs and line
// breaks (WHATWG URL §4.4), so "/\evil" and "/<tab>/evil" would name another host; html/template
// percent-encodes these in a URL attribute, which leaves "//" to refuse here.
func localPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return "/"
	}
	return s
}
