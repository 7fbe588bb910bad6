package web

import "bytes"

// Constant is a page that is the same for everybody, with the policy it goes out
// under.
type Constant struct {
	Body []byte
	CSP  string
}

// Reload makes the page that answers a navigation with a retired cookie: the
// browser is to ask for the same address again, now with what the answer brought.
// Nothing of the request is in it. It reloads by itself unless it did so in the
// last minute, by a note in the tab's sessionStorage: cookies that do not arrive
// must not make it go round. Without storage or scripts it is a link. signIn is the
// path of the page to sign in on, for those whose cookies never arrive.
func (p *Pages) Reload(signIn string) (Constant, error) {
	script, err := readBlock("reload.js")
	if err != nil {
		return Constant{}, err
	}
	t, err := p.parse("reload", script)
	if err != nil {
		return Constant{}, err
	}
	var body bytes.Buffer
	if err := render(&body, t, signIn); err != nil {
		return Constant{}, err
	}
	return Constant{
		Body: body.Bytes(), CSP: pageCSP(p.style, "'none'") + "; script-src " + cspHash(script),
	}, nil
}
