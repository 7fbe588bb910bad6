package users

import (
	"fmt"
	"strings"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// NormalizeName returns the form in which user names are compared: UsernameCasePreserved of RFC
// 8265 section 3.4, by which fullwidth letters are the usual ones and it does not matter how a
// keyboard composes an accent. Case counts. Spaces part a name into userparts (section 3.1). A name
// that the profile would refuse, such as one with an emoji, is brought to the same form without its
// rules: it may be in use.
func NormalizeName(name string) string {
	if ascii(name) {
		return name
	}
	normal, err := enforceName(name)
	if err != nil {
		return norm.NFC.String(width.Fold.String(name))
	}
	return normal
}

// enforceName is the profile with its rules, for new names.
func enforceName(name string) (string, error) {
	parts := strings.Split(name, " ")
	for i, part := range parts {
		if part == "" {
			continue // several spaces, or at an end: see checkUser
		}
		normal, err := enforceUserpart(part)
		if err != nil {
			return "", fmt.Errorf("name %+q has a character that user names must not have (RFC 8265 section 3.4)", name)
		}
		parts[i] = normal
	}
	return strings.Join(parts, " "), nil
}

// enforceUserpart leaves the Bidi Rule to names with letters written from right to left, as RFC
// 8265 does and the library does not: it would refuse "\u00e9:".
func enforceUserpart(part string) (string, error) {
	normal, err := precis.UsernameCasePreserved.String(part)
	if err != nil && bidirule.DirectionString(part) == bidi.LeftToRight {
		return precis.NewIdentifier(precis.FoldWidth, precis.Norm(norm.NFC)).String(part)
	}
	return normal, err
}

// NameSpellings returns the ways in which a user's name may be written elsewhere: the normal one,
// as it is, and with accents apart. The first is [NormalizeName]; there is one for an ASCII name.
func NameSpellings(name string) []string {
	spellings := []string{NormalizeName(name)}
	for _, other := range []string{name, norm.NFD.String(spellings[0])} {
		if other != spellings[0] && other != spellings[len(spellings)-1] {
			spellings = append(spellings, other)
		}
	}
	return spellings
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
