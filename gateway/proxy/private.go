package proxy

import (
	"net/http"
	"strings"
)

// privately is for an answer that says nothing of caches.
const privately = "private, no-cache"

// keepPrivate marks the answer to a request with a token for the browser alone, unless it says
// itself who may store it.
//
// Caches know this for requests with an Authorization header (RFC 9111 §3.5). But what a cache in
// front of the gateway sees is a cookie, and that says nothing to it: it would give one user's
// answer to the next. As in §3.5, only public, s-maxage and must-revalidate allow it to be shared;
// a max-age alone does not. An answer without a rule for its age gets no-cache, too: heuristics
// (§4.2.2) are as blind to who is signed in.
//
// A browser does not know either who is signed in: without Vary it gives what it has kept for a
// while (max-age, Expires) to the next user of the machine. With it, it asks again once the
// session's cookie is another.
//
// alone is the header of answers that have none. It is shared, and must not be changed.
func keepPrivate(h http.Header, alone []string) {
	c := readDirectives(h["Cache-Control"])
	if _, expires := h["Expires"]; expires {
		c.aged = true
	}
	if !c.stores {
		h["Cache-Control"] = c.keepingPrivate(alone)
	}
	if c.aged && !c.asks && !c.shared && !hasToken(h["Vary"], "Cookie") && !hasToken(h["Vary"], "*") {
		h.Add("Vary", "Cookie")
	}
	// A cache that obeys this one does not look at the other (RFC 9213 §2.1).
	if lines, ok := h["Cdn-Cache-Control"]; ok {
		if c := readDirectives(lines); !c.stores {
			h["Cdn-Cache-Control"] = c.keepingPrivate(alone)
		}
	}
}

// directives are what a Cache-Control header says.
type directives struct {
	stores bool // who may store the answer
	shared bool // everybody may, for all get the same
	aged   bool // how long it is fresh
	asks   bool // that nobody takes it from a cache without asking
	lines  []string
}

// readDirectives reads a list of directives (RFC 9111 §5.2.2). private and no-cache with field
// names are about these fields alone.
func readDirectives(lines []string) directives {
	c := directives{lines: lines}
	for _, line := range lines {
		for line != "" {
			var directive string
			directive, line = cutDirective(line)
			name, _, qualified := strings.Cut(directive, "=")
			switch name = strings.ToLower(trimBlank(name)); name {
			case "private":
				c.stores = c.stores || !qualified
			case "no-store":
				c.stores, c.asks = true, true
			case "public", "s-maxage":
				c.stores, c.shared = true, true
			case "must-revalidate":
				c.stores = true
			case "max-age":
				c.aged = true
			case "no-cache":
				c.asks = c.asks || !qualified
			}
		}
	}
	return c
}

// cutDirective cuts at the first comma outside quotes.
func cutDirective(line string) (directive, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

// keepingPrivate returns the header with what is missing. It stands in front, where no quote that
// is left open swallows it.
func (c directives) keepingPrivate(alone []string) []string {
	ruled := c.aged || c.asks
	if len(c.lines) == 0 && !ruled {
		return alone
	}
	first := privately
	if ruled {
		first = "private"
	}
	said := strings.Trim(strings.Join(c.lines, ", "), " \t,")
	if said == "" {
		return []string{first}
	}
	return []string{first + ", " + said}
}
