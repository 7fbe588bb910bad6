package tokenapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessiongate/session"
)

// This file describes answers by names, places and types: what a configuration is written from.
// Values never leave it.

// Bounds of a description.
const (
	maxShownFields = 40
	maxShownDepth  = 6
	// maxNameDigits: names with more digits in them are ids or tokens used as names.
	maxNameDigits = 4
)

// safeName is a name if it looks like one.
func safeName(name string) string {
	if isName(name) {
		return name
	}
	return "(a name that may be a value)"
}

// leaf is a value of an answer that is no object.
type leaf struct {
	place string
	value any
}

// leaves lists the values of a document, in the order of their names. Of a list only the first entry
// counts.
func leaves(doc any) []leaf {
	var list []leaf
	var visit func(prefix string, v any, depth int)
	visit = func(prefix string, v any, depth int) {
		members, isObject := v.(map[string]any)
		if !isObject || depth == maxShownDepth {
			if prefix == "" {
				prefix = "."
			}
			list = append(list, leaf{prefix, v})
			return
		}
		names := make([]string, 0, len(members))
		for name := range members {
			if isName(name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			if len(list) < maxShownFields {
				visit(strings.TrimPrefix(prefix+"."+name, "."), members[name], depth+1)
			}
		}
	}
	visit("", doc, 0)
	return list
}

// typeText names a value by its type, and says what it looks like.
func typeText(v any) string {
	switch v := v.(type) {
	case string:
		text := "text of " + counted(len(v), "character")
		if _, jwt := readClaims(v); jwt {
			text += " that looks like a JWT"
		}
		return text
	case json.Number:
		if n, err := strconv.ParseFloat(v.String(), 64); err == nil && n >= epochSeconds {
			return "number, as large as a time"
		}
		return "number"
	case []any:
		text := "list of " + counted(len(v), "entry")
		if len(v) > 0 {
			text += " (" + listEntry(v[0]) + ")"
		}
		return text
	}
	return kindOf(v)
}

func listEntry(v any) string {
	members, ok := v.(map[string]any)
	if !ok {
		return kindOf(v)
	}
	var names []string
	for name := range members {
		names = addName(names, name)
	}
	slices.Sort(names)
	return "objects with " + strings.Join(names, ", ")
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return strconv.Itoa(n) + " " + strings.TrimSuffix(what, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// fieldLines lists what an answer has.
func fieldLines(before string, r *reply) (lines []string) {
	doc, err := r.json()
	if err != nil {
		if r.isHTML() {
			return []string{before + " an HTML page"}
		}
		return nil
	}
	for _, l := range leaves(doc) {
		lines = append(lines, before+" "+l.place+": "+typeText(l.value))
	}
	return lines
}

// tokenLines says what was found at the places of reply.
func (t *trial) tokenLines(r *reply, now time.Time) (lines []string) {
	claims, _ := readClaims(r.first(t.p.tokens.sources.access))
	for _, x := range []struct {
		what   string
		places []place
	}{{accessToken, t.p.tokens.sources.access}, {refreshToken, t.p.tokens.sources.refresh}, {"expires_in", t.p.tokens.sources.expires}} {
		lines = append(lines, x.what+": "+hitText(r, x.places))
		if x.what == refreshToken && r.what == "login" && r.first(x.places) == "" && t.p.endpoints.refresh != nil && t.p.endpoints.refresh.needs(refreshToken) {
			lines = append(lines, tokenAdvice(r, refreshToken)...)
		}
	}
	for _, line := range t.p.tokens.kept {
		lines = append(lines, "keep "+line.name+": "+hitText(r, []place{line.at}))
	}
	return append(lines, "the access token is taken to live for "+span(t.p.tokens.lifetimeOf(r, claims, now))+t.source(r, claims, now))
}

// hitText says which of the places hit, and what stands there.
func hitText(r *reply, places []place) string {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.String()
		text := r.text(p)
		if text == "" {
			continue
		}
		if p.kind != inBody {
			return names[i] + ", " + typeText(text)
		}
		doc, _ := r.json() // was read a moment ago
		v, _ := lookup(doc, p.name)
		return names[i] + ", " + typeText(v)
	}
	if len(places) == 0 {
		return "no place is configured"
	}
	return "nothing at " + strings.Join(names, ", ")
}

// source says by what a lifetime is known.
func (t *trial) source(r *reply, claims map[string]any, now time.Time) string {
	_, said := readExpiry(r.first(t.p.tokens.sources.expires), t.p.options.Reply.ExpiresUnit, now)
	_, known := claimedLifetime(claims, now)
	switch {
	case said && known:
		return ", the smaller of expires_in and the token's exp"
	case said:
		return ", by expires_in"
	case known:
		return ", by the token's exp"
	}
	return ", by access_lifetime: the API does not say"
}

// span writes a time as configurations have it: 15m, 30d.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	if d >= 48*time.Hour {
		return strconv.Itoa(int(d.Round(time.Hour)/(24*time.Hour))) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// candidate is a place where a token may stand.
type candidate struct {
	place string
	value string
	rank  int
}

// tokenAdvice lists where an answer may have a token that is not at the configured place, the
// likeliest first, and says what to write. what is a key of reply.
func tokenAdvice(r *reply, what string) (lines []string) {
	list := candidates(r, what)
	for i, c := range list {
		if i == 0 {
			lines = append(lines, "write reply: {"+what+": "+quotedPlace(c.place)+"}")
		}
		if i < 5 {
			lines = append(lines, "a likely place is "+c.place+": "+typeText(c.value))
		}
	}
	if len(list) == 0 {
		return fieldLines("the answer has", r)
	}
	return lines
}

// quotedPlace is a place as it is written in YAML.
func quotedPlace(place string) string {
	if strings.Contains(place, ":") || place == "." {
		return strconv.Quote(place)
	}
	return place
}

func candidates(r *reply, what string) (list []candidate) {
	add := func(place string, v any) {
		text, ok := v.(string)
		if rank := rankToken(place, text, what); ok && rank > 0 {
			list = append(list, candidate{place, text, rank})
		}
	}
	if doc, err := r.json(); err == nil {
		for _, l := range leaves(doc) {
			add(l.place, l.value)
		}
	}
	for _, cookie := range (&http.Response{Header: r.header}).Cookies() {
		if isName(cookie.Name) && cookie.MaxAge >= 0 {
			add("cookie:"+cookie.Name, cookie.Value)
		}
	}
	for name, values := range r.header {
		if isName(name) && name != "Set-Cookie" {
			add("header:"+name, bearerValue(values[0]))
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		if a.rank != b.rank {
			return b.rank - a.rank
		}
		return strings.Compare(a.place, b.place)
	})
	return list
}

// rankToken says how likely the text at a place is the access or the refresh token; 0: it is not.
func rankToken(place, text, what string) (rank int) {
	if len(text) < 8 || !fit(session.Secret(text)) {
		return 0
	}
	name := strings.ToLower(place)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	own, other := "access", "refresh"
	if what == refreshToken {
		own, other = other, own
	}
	_, jwt := readClaims(text)
	switch {
	case has(other), has("id_token", "idtoken", "csrf", "xsrf", "expire", "token_type", "tokentype"):
		return 0
	case has(own):
		rank = 4
	case what == refreshToken:
		return 0
	case has("token", "jwt", "authorization", "bearer"):
		rank = 2
	}
	if jwt {
		rank += 3
	}
	return rank
}

// identityLines says what was found of the user.
func (t *trial) identityLines(doc any, id session.Identity) []string {
	from := t.p.options.Identity
	lines := []string{
		"subject: " + fieldHit(doc, from.Subject),
		"name: " + fieldHit(doc, from.Name),
	}
	for _, x := range []struct {
		what  string
		list  []string
		words []string
	}{{"roles", from.Roles, id.Roles}, {"scopes", from.Scopes, id.Scopes}} {
		text := x.what + ": " + strconv.Itoa(len(x.words))
		for _, name := range x.list {
			text += "; " + fieldHit(doc, name)
		}
		if len(x.words) == 0 && len(x.list) > 0 {
			text += likelyNames(doc, x.what)
		}
		lines = append(lines, text)
	}
	for _, name := range from.Claims {
		lines = append(lines, "claims: "+fieldHit(doc, name))
	}
	return lines
}

// fieldHit says what stands under the name of a field.
func fieldHit(doc any, name string) string {
	if name == "" {
		return "not configured"
	}
	v, there := lookup(doc, name)
	if !there {
		return "nothing at " + name
	}
	return name + ", " + typeText(v)
}

// likelyNames lists fields that may be roles or scopes.
func likelyNames(doc any, what string) string {
	words := map[string][]string{
		"roles":  {"role", "group", "authorit", "permission", "is_staff", "is_admin", "is_superuser", "isadmin"},
		"scopes": {"scope", "scp", "permission"},
	}[what]
	var found []string
	for _, l := range leaves(doc) {
		name := strings.ToLower(l.place)
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) }) && len(found) < 5 {
			found = append(found, l.place+" ("+typeText(l.value)+")")
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "; likely: " + strings.Join(found, ", ")
}

// subjectNames are what APIs call the name of a user for good, the likeliest first.
var subjectNames = [...]string{"sub", "id", "user_id", "userid", "uid", "_id", "uuid", "username", "email"}

// identityAdvice lists what may name the user.
func identityAdvice(doc any, from IdentityFrom) (lines []string) {
	if doc == nil {
		if from == FromToken {
			return []string{"write identity: {from: reply, subject: …} where the login's answer describes the user, else me: {path: /…} and identity: {from: me, subject: …}"}
		}
		return nil
	}
	all := leaves(doc)
	for _, name := range subjectNames {
		i := slices.IndexFunc(all, func(l leaf) bool {
			return strings.ToLower(l.place[strings.LastIndexByte(l.place, '.')+1:]) == name && textOf(l.value) != ""
		})
		if i >= 0 {
			lines = append(lines, fmt.Sprintf("write identity: {from: %s, subject: %s}", from, all[i].place))
			break
		}
	}
	for _, l := range all {
		lines = append(lines, "it has "+l.place+": "+typeText(l.value))
	}
	return lines
}
