package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// DemoCSP is the Content-Security-Policy under which the demo app works: its own files, its own
// origin's endpoints ('self' covers WebSockets of the same host since CSP Level 3), and nothing
// inline.
const DemoCSP = "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// cspHash returns the source expression that allows exactly this inline block (CSP Level 3 §2.3.1).
func cspHash(block string) string {
	sum := sha256.Sum256([]byte(block))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageCSP is the policy of a page without script. formAction lists where its forms may lead,
// redirects included. A logo comes from this origin, and nothing else does.
func (p *Pages) pageCSP(formAction string) string {
	images := "data:"
	if p.logo != nil {
		images = "'self'"
	}
	return "default-src 'none'; img-src " + images + "; style-src " + cspHash(p.style) +
		"; form-action " + formAction + "; frame-ancestors 'none'; base-uri 'none'"
}

// formTargets returns a form-action value: this origin and the given ones.
func formTargets(origins []string) (string, error) {
	targets := []string{"'self'"}
	for _, o := range origins {
		if !isOrigin(o) {
			return "", fmt.Errorf("form target %q: want scheme://host, http or https, and nothing after it", o)
		}
		targets = append(targets, o)
	}
	return strings.Join(targets, " "), nil
}

// isOrigin keeps text that would end the directive, or widen it, out of the policy.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || strings.ContainsAny(s, " \t\r\n;,*?#'\"") {
		return false
	}
	return (u.Scheme == "https" || u.Scheme == "http") && s == u.Scheme+"://"+u.Host
}
