package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// Pages renders the gateway's own pages. Make it once with NewPages; it never changes afterwards
// and is safe for concurrent use.
type Pages struct {
	style     string
	script    string // takes the fragment along
	login     *template.Template
	message   *template.Template
	logout    *template.Template
	signedOut *template.Template

	account       *template.Template
	accountScript string
}

// Link is a labelled way on. Href is a path on this origin ("/app?x=1"); anything else (another
// origin, a script, a relative path) is rendered as "/", so that a page never sends its reader
// where an attacker wanted. A Link without Label is left out.
type Link struct {
	Label string
	Href  string
	// Keep: the fragment of the page's own address goes along, in browsers with scripts.
	Keep bool
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
}

// MessagePage tells a person what happened to a navigation: an error, or a step that needs them.
type MessagePage struct {
	Status    int    // HTTP status, shown small above the title; 0: not shown
	Title     string // also the document's title
	Text      string // what it means and what to do about it
	Primary   Link   // the likely next step
	Secondary Link
	RequestID string // for the log; empty: not shown
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

// NewPages parses the embedded templates. An error means that the binary was built from broken
// files.
func NewPages() (*Pages, error) {
	p := &Pages{}
	for name, dst := range map[string]*string{
		"style.css": &p.style, "fragment.js": &p.script, "account.js": &p.accountScript,
	} {
		var err error
		if *dst, err = readBlock(name); err != nil {
			return nil, err
		}
	}
	for name, dst := range map[string]**template.Template{
		"login": &p.login, "message": &p.message, "logout": &p.logout, "signedout": &p.signedOut,
	} {
		var err error
		if *dst, err = p.parse(name, p.script); err != nil {
			return nil, err
		}
	}
	var err error
	p.account, err = p.parse("account", p.accountScript)
	return p, err
}

// readBlock reads a stylesheet or script that goes into a page. The browser hashes the block after
// line ends have become \n (HTML §13.2.3.5), whatever the checkout made of them.
func readBlock(name string) (string, error) {
	text, err := templateFiles.ReadFile("templates/" + name)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n"), nil
}

// icon is the mark as the page's own favicon: without one a browser asks for /favicon.ico,
// which belongs to the app and may need a session.
func icon() template.URL {
	const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">` +
		`<rect width="32" height="32" rx="9" fill="#3f51c9"/><g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round">` +
		`<path d="M8.5 24V15a7.5 7.5 0 0 1 15 0v9"/><path d="M13 24v-8.5a3 3 0 0 1 6 0V24"/></g></svg>`
	return template.URL("data:image/svg+xml," + url.PathEscape(mark)) //nolint:gosec // G203: a constant
}

// fieldLabel is what a form calls a field of which only the name is known: "totp_code" is "Totp
// code".
func fieldLabel(name string) string {
	words := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}

// isCode guesses from a field's name whether a one-time code goes there, which browsers fill in.
func isCode(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "otp") || strings.Contains(name, "code")
}

// parse reads the template of a page, whose one script this is.
func (p *Pages) parse(name, script string) (*template.Template, error) {
	style := template.CSS(p.style) //nolint:gosec // G203: the embedded stylesheet, byte for byte, as its hash demands
	code := template.JS(script)    //nolint:gosec // G203: the embedded script, byte for byte, as its hash demands
	t, err := template.New("layout.html").Funcs(template.FuncMap{
		"stylesheet": func() template.CSS { return style },
		"script":     func() template.JS { return code },
		"icon":       icon,
		"local":      localPath,
		"label":      fieldLabel,
		"isCode":     isCode,
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"day":        func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04") + " UTC" },
	}).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	return t, nil
}

// CSP returns the Content-Security-Policy of every page that has no method for its own: the
// stylesheet and the script that takes the fragment along by hash, forms to this origin, no frame.
func (p *Pages) CSP() string { return p.policy("'self'") }

func (p *Pages) policy(formAction string) string {
	return pageCSP(p.style, formAction) + "; script-src " + cspHash(p.script)
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

// Login writes the login page. Like every method here it writes the whole document in one call or,
// on a template error, nothing; other errors are the writer's.
func (p *Pages) Login(w io.Writer, page LoginPage) error { return render(w, p.login, page) }

// Message writes a page for a person who navigated to something that did not work.
func (p *Pages) Message(w io.Writer, page MessagePage) error { return render(w, p.message, page) }

// Logout writes the confirmation page.
func (p *Pages) Logout(w io.Writer, page LogoutPage) error { return render(w, p.logout, page) }

// SignedOut writes the page after a logout.
func (p *Pages) SignedOut(w io.Writer, page SignedOutPage) error { return render(w, p.signedOut, page) }

func render(w io.Writer, t *template.Template, data any) error {
	var buf bytes.Buffer
	if err := t.Execute(&buf, data); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
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
