package configs

import "net/url"

// The functions here judge single answers as Load judges the whole file, for whoever asks for them.

// PublicURLFault is what is wrong with a server.public_url; empty: nothing.
func PublicURLFault(text string) string {
	what, _ := publicURLFault(text)
	return what
}

// IssuerFault is what is wrong with the issuer of an oidc provider; empty: nothing.
func IssuerFault(text string) string { return issuerFault(text) }

// LoopbackURL tells whether a URL leads to this machine.
func LoopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && loopbackHost(u.Hostname())
}

// Nearest is the known word that a slip of the pen would turn into word, or "".
func Nearest(word string, known []string) string { return nearest(word, known) }
