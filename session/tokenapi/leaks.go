package tokenapi

import "slices"

// TokenPlaces are the places where an API answers with tokens, by what they are in, and what its
// tokens look like.
type TokenPlaces struct {
	Fields     []string // of a body, as in [Options]
	Headers    []string
	Cookies    []string
	Parameters []string // of the address of a redirect

	Subjects []string // claims that name the user
	Issuers  []string // iss that are known beforehand
}

// TokenPlaces returns where this API's tokens stand, so that its other answers can be searched for
// them.
func (p *Provider) TokenPlaces() TokenPlaces {
	var t TokenPlaces
	for _, at := range slices.Concat(p.tokens.sources.access, p.tokens.sources.refresh) {
		switch {
		case at.name == "":
		case at.kind == inBody:
			t.Fields = append(t.Fields, at.name)
		case at.kind == inHeader:
			t.Headers = append(t.Headers, at.name)
		case at.kind == inCookie:
			t.Cookies = append(t.Cookies, at.name)
		case at.kind == inLocation:
			t.Parameters = append(t.Parameters, at.name)
		}
	}
	for _, line := range p.tokens.kept { // what goes back to the API with a token
		if line.at.kind == inCookie {
			t.Cookies = append(t.Cookies, line.at.name)
		}
	}
	t.Subjects = []string{"sub", "user_id", "userId", "uid", "id", "_id", "user", "username", "email"}
	if p.options.Identity.From == FromToken {
		t.Subjects = []string{p.options.Identity.Subject}
	}
	if v := p.options.Verify; v != nil && v.Issuer != "" {
		t.Issuers = []string{v.Issuer}
	}
	return t
}
