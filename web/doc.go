// Package web holds what the gateway itself shows to a browser: the login, logout and message
// pages, the bounce page, and the demo app. Everything is embedded in the binary; nothing is loaded
// from another origin.
//
// The pages are complete HTML documents that need no JavaScript. Their stylesheet, and the one
// constant script that takes the fragment of the address along, are written into each page and
// allowed by their hashes, so that the Content-Security-Policy can forbid everything else: no other
// script runs on a page where a password is typed, not even one that an error text or a user name
// smuggled in. html/template does the escaping; the policy is the second lock.
//
// The package knows nothing about sessions, HTTP routes or headers. A caller fills a small struct,
// writes the page, and sends the policy that this package names for it:
//
//	h.Set("Content-Security-Policy", pages.CSP())
//	h.Set("Content-Type", "text/html; charset=utf-8")
//	err := pages.Login(w, web.LoginPage{Action: "/auth/login", Password: true})
//
// The pages ask for the referrer policy "same-origin" themselves. A response header "no-referrer"
// would make browsers send "Origin: null" with the login form (Fetch, "append a request Origin
// header"), and a gateway that reads Origin to stop cross-site posts would refuse its own login
// page.
package web
