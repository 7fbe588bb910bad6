package web

import (
	"io"
	"time"
)

// AccountPage lists the devices a person is signed in on.
type AccountPage struct {
	User     string // as they know themselves
	Endpoint string // path of the list: DELETE Endpoint/ID ends one, DELETE Endpoint?keep=current all others
	Events   string // path of the event stream
	Logout   string // path of the sign-out page
	Devices  []Device
	Back     Link
}

// Device is one entry of an [AccountPage].
type Device struct {
	ID       string // public session ID
	Name     string // "Chrome on Windows"
	Network  string // coarse address; empty: not shown
	Current  bool   // the one that looks at the page
	SignedIn time.Time
	LastSeen time.Time
}

// Others counts the devices besides the current one.
func (p AccountPage) Others() int {
	n := 0
	for _, d := range p.Devices {
		if !d.Current {
			n++
		}
	}
	return n
}

// Account writes the devices page. Reading it needs no script; ending a session is
// a DELETE, which a plain form cannot send, so the buttons appear with the script.
func (p *Pages) Account(w io.Writer, page AccountPage) error { return render(w, p.account, page) }

// AccountCSP returns the policy of the devices page: the stylesheet and the one
// script by hash, requests to this origin only.
func (p *Pages) AccountCSP() string {
	return pageCSP(p.style, "'self'") + "; script-src " + cspHash(p.accountScript) + "; connect-src 'self'"
}
