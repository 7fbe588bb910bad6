package web

import "bytes"

// Done makes the page at which a sign-in in a window of its own ends. It tells the other tabs on the
// channel "sessiongate " and the path of the endpoints, "/auth/", and closes the window. No page
// holds on to a window of ours: Cross-Origin-Opener-Policy, ours and that of many providers, cuts
// the tie, so the channel is the only way back.
func (e *Edition) Done() (Constant, error) {
	var body bytes.Buffer
	if err := e.render(&body, "done", nil); err != nil {
		return Constant{}, err
	}
	return Constant{
		Body: body.Bytes(), CSP: e.pages.pageCSP("'none'") + "; script-src " + cspHash(e.pages.scripts.done),
	}, nil
}
