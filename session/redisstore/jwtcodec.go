package redisstore

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Most tokens are JWTs, which are base64url three times over (RFC 7515 §7.1), and
// tokens are most of a record. Their segments are kept as the bytes they stand
// for: a quarter less memory in Redis for each session. Any other token is kept
// as it is.
const (
	tokenAsIs   = 0
	tokenPacked = 1
)

const jwtSegments = 3

func appendToken(b []byte, token string) []byte {
	raw, ok := unpackJWT(token)
	if !ok {
		return appendStrings(append(b, tokenAsIs), token)
	}
	b = append(b, tokenPacked)
	for _, segment := range raw {
		b = binary.AppendUvarint(b, uint64(len(segment)))
		b = append(b, segment...)
	}
	return b
}

// unpackJWT decodes the segments if the token is exactly what packing them again
// gives: strict decoding makes sure that no other spelling is taken for it.
func unpackJWT(token string) (raw [jwtSegments][]byte, ok bool) {
	if strings.Count(token, ".") != jwtSegments-1 || strings.ContainsAny(token, "\r\n") {
		return raw, false
	}
	for i := range raw {
		var segment string
		segment, token, _ = strings.Cut(token, ".")
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(segment); err != nil {
			return raw, false
		}
	}
	return raw, true
}

// token reads what appendToken wrote.
func (r *reader) token() string {
	if r.rest == "" {
		r.bad = true
		return ""
	}
	kind := r.rest[0]
	r.rest = r.rest[1:]
	switch kind {
	case tokenAsIs:
		return r.string()
	case tokenPacked:
		return r.packed()
	}
	r.bad, r.rest = true, ""
	return ""
}

func (r *reader) packed() string {
	var raw [jwtSegments]string
	size := jwtSegments - 1
	for i := range raw {
		raw[i] = r.string()
		size += base64.RawURLEncoding.EncodedLen(len(raw[i]))
	}
	text := make([]byte, 0, size)
	for i, segment := range raw {
		if i > 0 {
			text = append(text, '.')
		}
		text = base64.RawURLEncoding.AppendEncode(text, []byte(segment))
	}
	return string(text)
}
