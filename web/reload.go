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
func (e *Edition) Reload(signIn string) (Constant, error) {
	var body bytes.Buffer
	if err := e.render(&body, "reload", signIn); err != nil {
		return Constant{}, err
	}
	return Constant{
		Body: body.Bytes(), CSP: e.pages.pageCSP("'none'") + "; script-src " + cspHash(e.pages.scripts.reload),
	}, nil
}
