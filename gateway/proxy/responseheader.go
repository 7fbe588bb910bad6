package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// filterResponse cleans an upstream's response header in place: it can neither set nor clear the
// gateway's cookies, whose names are given. Set-Cookie lines of other names are left as they are,
// Clear-Site-Data loses the directives that clear cookies and keeps the others. The gateway's own
// marks are not the upstream's to set.
func filterResponse(h http.Header, cookies []string) {
	for name := range h {
		if strings.HasPrefix(name, "X-Sessiongate-") {
			delete(h, name)
		}
	}
	if lines := h["Set-Cookie"]; len(lines) > 0 {
		lines = slices.DeleteFunc(lines, func(l string) bool { return setsCookie(l, cookies) })
		setLines(h, "Set-Cookie", lines)
	}
	if lines := h["Clear-Site-Data"]; len(lines) > 0 {
		setLines(h, "Clear-Site-Data", keepCookies(lines))
	}
}

func setLines(h http.Header, name string, lines []string) {
	if len(lines) == 0 {
		delete(h, name)
		return
	}
	h[name] = lines
}

// keepCookies filters the directives of Clear-Site-Data, a list of quoted strings.
func keepCookies(lines []string) []string {
	kept := lines[:0:0]
	for _, line := range lines {
		var directives []string
		for d := range strings.SplitSeq(line, ",") {
			d = trimBlank(d)
			if bare := strings.Trim(d, "\"' \t"); bare != "" && bare != "*" && !strings.EqualFold(bare, "cookies") {
				directives = append(directives, d)
			}
		}
		if len(directives) > 0 {
			kept = append(kept, strings.Join(directives, ", "))
		}
	}
	return kept
}
