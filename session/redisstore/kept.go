package redisstore

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"sessiongate/session"
)

// keptMark begins what stands for an ID token where a provider keeps something. No ID token begins
// so. Former versions refuse a record with a field too many, but an ID token only means something to
// them where a user signs out at an OpenID Connect provider, and those keep nothing.
const keptMark = "\x00keep"

// idToken returns what is written as the ID token: what is kept, where there is something. It begins
// with the hash of the tokens that it belongs to: a former version takes an ID token over to the
// tokens of its refresh, of which it has kept nothing.
func idToken(t *session.Tokens) string {
	if len(t.Keep) == 0 || t.ID != "" {
		return t.ID.Reveal()
	}
	b := append([]byte(keptMark), t.Hash()...)
	b = binary.AppendUvarint(b, uint64(len(t.Keep)))
	for _, name := range slices.Sorted(maps.Keys(t.Keep)) {
		b = appendStrings(b, name, t.Keep[name])
	}
	return string(b)
}

// takeKept puts what stands for an ID token in its place. What does not belong to these tokens, or
// is of a newer form, counts as nothing kept.
func takeKept(t *session.Tokens) {
	text, kept := strings.CutPrefix(t.ID.Reveal(), keptMark)
	if !kept {
		return
	}
	t.ID = ""
	text, own := strings.CutPrefix(text, t.Hash())
	if !own {
		return
	}
	r := reader{rest: text}
	keep := make(session.Kept)
	for range r.length() {
		name := r.string()
		keep[name] = r.string()
		if r.bad {
			return
		}
	}
	if !r.bad && r.rest == "" && len(keep) > 0 {
		t.Keep = keep
	}
}
