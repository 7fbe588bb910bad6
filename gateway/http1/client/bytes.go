package client

// kind is what a byte may be in a token (RFC 9110 §5.6.2); 0: it may not be there.
type kind uint8

const (
	lower kind = 1 << iota
	upper
	dash
	other // digits and marks
)

// kinds is read for every byte of every name.
var kinds = func() (k [256]kind) {
	for c := byte('a'); c <= 'z'; c++ {
		k[c], k[c-'a'+'A'] = lower, upper
	}
	for _, c := range []byte("0123456789!#$%&'*+.^_`|~") {
		k[c] = other
	}
	k['-'] = dash
	return k
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// validValue allows visible characters, space, tab and bytes over 0x7f (RFC 9110 §5.5). Values are
// long: eight bytes are looked at together, and one by one only if there is a control character
// among them.
func validValue[T string | []byte](v T) bool {
	for ; len(v) >= 8; v = v[8:] {
		w := uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 |
			uint64(v[4])<<32 | uint64(v[5])<<40 | uint64(v[6])<<48 | uint64(v[7])<<56
		if hasControl(w) && !validBytes(v[:8]) {
			return false
		}
	}
	return validBytes(v)
}

// hasControl reports whether one of eight bytes is below a space or is DEL. It may take a byte
// above one for such.
func hasControl(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := w ^ (0x7f * ones)
	return ((w-0x20*ones)&^w|(del-ones)&^del)&tops != 0
}

func validBytes[T string | []byte](v T) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
