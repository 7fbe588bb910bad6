package masking

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape returns what the content of a JSON string says (RFC 8259 §7). It uses room if there are
// escapes. What is no escape is taken as it stands.
func unescape(room, content []byte) []byte {
	if bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	room = room[:0]
	for i := 0; i < len(content); {
		c := content[i]
		if c != '\\' || i+1 == len(content) {
			room = append(room, c)
			i++
			continue
		}
		if content[i+1] == 'u' {
			r, n := unicodeEscape(content[i:])
			room, i = utf8.AppendRune(room, r), i+n
			continue
		}
		room, i = append(room, plainEscape(content[i+1])), i+2
	}
	return room
}

// unicodeEscape reads \uXXXX, two of them for a pair of surrogates, and says how long it is.
func unicodeEscape(p []byte) (r rune, n int) {
	high, ok := hex4(p[2:])
	if !ok {
		return 'u', 2
	}
	if utf16.IsSurrogate(high) && len(p) >= 12 && p[6] == '\\' && p[7] == 'u' {
		if low, ok := hex4(p[8:]); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	return high, 6
}

func hex4(p []byte) (v rune, ok bool) {
	if len(p) < 4 {
		return 0, false
	}
	for _, c := range p[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
