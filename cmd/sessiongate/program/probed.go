package program

import "strings"

// Probed is what became of one thing that a configuration points to, or a warning about it.
type Probed struct {
	Name    string // of the kind: store, upstream, provider, token API, users database, descriptors
	Target  string // which: an address, or a provider's name
	Host    string // of an upstream: the Host header, where it is another than the address has
	OK      bool
	Warning bool   // worth a look, and people can sign in
	What    string // what is wrong or, of what is well, what was found
	Fix     string // what helps
}

// String is the line for people.
func (p Probed) String() string {
	verdict := "FAILED    "
	switch {
	case p.Warning:
		verdict = "warning: "
	case p.OK:
		verdict = "ok        "
	}
	return verdict + p.Text()
}

// Subject names what was asked.
func (p Probed) Subject() string {
	subject := strings.TrimSpace(p.Name + " " + p.Target)
	if p.Host != "" {
		subject += " (Host: " + p.Host + ")"
	}
	return subject
}

// Text is the line without the verdict.
func (p Probed) Text() string {
	text := p.Subject()
	if text != "" && p.What != "" {
		text += ": "
	}
	text += p.What
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}
