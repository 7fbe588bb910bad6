package session

import (
	"fmt"
	"strings"
	"unicode"
)

// PlainText makes foreign text fit for a log line, a message or a page: it drops what
// does not print (control characters, C1 too because terminals obey U+009B, line
// separators, bidirectional overrides, bytes that are not UTF-8). What is then longer than
// limit bytes is cut to as many characters, and ends with an ellipsis.
func PlainText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == 0xfffd {
			return -1
		}
		return r
	}, s)
	if len(s) > limit {
		s = fmt.Sprintf("%.*s…", limit, s)
	}
	return s
}
