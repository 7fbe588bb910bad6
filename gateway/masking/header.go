package masking

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Strip takes out of a header, in place, what stands at the places of tokens: header fields and
// cookies. An address to which the browser is sent loses the parameters that are tokens. It returns
// how much it took.
func (r *Rules) Strip(h http.Header) (taken int) {
	for _, name := range r.headers {
		if _, there := h[name]; there {
			delete(h, name)
			taken++
		}
	}
	if len(r.cookies) > 0 {
		taken += r.stripCookies(h)
	}
	if len(r.parameters) == 0 {
		return taken
	}
	for _, name := range []string{"Location", "Content-Location", "Refresh"} {
		for i, line := range h[name] {
			if cut := r.stripAddress(line); cut != line {
				h[name][i] = cut
				taken++
			}
		}
	}
	return taken
}

func (r *Rules) stripCookies(h http.Header) (taken int) {
	lines := h["Set-Cookie"]
	kept := slices.DeleteFunc(lines, func(line string) bool {
		name, value, _ := strings.Cut(line, "=")
		if !slices.Contains(r.cookies, strings.Trim(name, " \t")) {
			return false
		}
		value, _, _ = strings.Cut(value, ";")
		if strings.Trim(value, " \t\"") != "" { // else it is deleted, and is gone already
			taken++
		}
		return true
	})
	if len(kept) < len(lines) {
		h["Set-Cookie"] = kept
	}
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
	}
	return taken
}

// stripAddress cuts the parameters of tokens out of the query and the fragment of an address.
func (r *Rules) stripAddress(address string) string {
	const marks = "?#&"
	var kept strings.Builder
	mark := byte(0) // of a parameter that is gone, for the one that follows
	for rest, first := address, true; rest != ""; first = false {
		end := strings.IndexAny(rest[1:], marks) + 1
		if end == 0 {
			end = len(rest)
		}
		part := rest[:end]
		rest = rest[end:]
		name, _, _ := strings.Cut(part[1:], "=")
		switch {
		case first && strings.IndexByte(marks, part[0]) < 0:
			kept.WriteString(part)
		case slices.Contains(r.parameters, unquote(name)):
			if mark == 0 || part[0] != '&' {
				mark = part[0]
			}
		case mark != 0 && part[0] == '&':
			kept.WriteByte(mark)
			kept.WriteString(part[1:])
			mark = 0
		default:
			kept.WriteString(part)
			mark = 0
		}
	}
	return kept.String()
}

// unquote undoes the percent-encoding of a name, as every server and script does.
func unquote(name string) string {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return name
	}
	return plain
}

// Forget removes what a header says of a body that may have been masked: its digests, and that parts
// of it can be had. The entity tag stays, as the same body is always masked in the same way.
func Forget(h http.Header) {
	for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "Accept-Ranges"} {
		delete(h, name)
	}
}
