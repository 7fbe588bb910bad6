package app

import (
	"encoding/json"
	"strconv"
	"strings"

	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// claimFields makes the request headers that a route wants from the identity. A
// claim that is absent sends no header; what a client sent under the name was
// dropped in any case.
//
// A value is plain text, numbers and true or false as in JSON, lists joined with
// commas. Bytes that a header or a list could be misread by (control characters,
// all beyond ASCII, the percent sign, and in lists the comma) are
// percent-encoded, so that the application can undo it.
func claimFields(want []routing.Field, id *session.Identity) []routing.Field {
	if len(want) == 0 || id == nil {
		return nil
	}
	var claims map[string]any
	fields := make([]routing.Field, 0, len(want))
	for _, w := range want {
		value, known := namedClaim(w.Value, id)
		if !known {
			if claims == nil && len(id.Claims) > 0 {
				_ = json.Unmarshal(id.Claims, &claims) // what is no object has no claims
			}
			value = claimAt(claims, w.Value)
		}
		if value != "" {
			fields = append(fields, routing.Field{Name: w.Name, Value: value})
		}
	}
	return fields
}

// namedClaim knows what the identity itself holds.
func namedClaim(name string, id *session.Identity) (value string, known bool) {
	switch name {
	case "sub":
		return escapeField(id.Subject, ""), true
	case "name":
		return escapeField(id.Name, ""), true
	case "roles":
		return joinFields(id.Roles), true
	case "scope", "scopes":
		return joinFields(id.Scopes), true
	case "provider":
		return escapeField(id.Provider, ""), true
	case "acr":
		return escapeField(id.ACR, ""), true
	case "auth_time":
		if id.AuthTime.IsZero() {
			return "", true
		}
		return strconv.FormatInt(id.AuthTime.Unix(), 10), true
	}
	return "", false
}

// claimAt is the text of the claim with this name, or of those that a path finds, as
// roles_claim has it.
func claimAt(claims map[string]any, name string) string {
	if v, there := claims[name]; there {
		return claimText(v)
	}
	found := session.ClaimValues(claims, name)
	if len(found) == 1 {
		return claimText(found[0])
	}
	var list []string
	for _, v := range found {
		list = append(list, session.ClaimWords(v)...)
	}
	return joinFields(list)
}

func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return escapeField(v, "")
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, 0, len(v))
		for _, e := range v {
			if text, ok := e.(string); ok {
				parts = append(parts, text)
			}
		}
		return joinFields(parts)
	case map[string]any:
		return joinFields(session.ClaimWords(v))
	}
	return ""
}

func joinFields(list []string) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = escapeField(p, ",")
	}
	return strings.Join(parts, ",")
}

func escapeField(s, also string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		edge := c == ' ' && (i == 0 || i == len(s)-1) // a header's edges are trimmed
		if c < ' ' || c >= 0x7f || c == '%' || edge || strings.IndexByte(also, c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
