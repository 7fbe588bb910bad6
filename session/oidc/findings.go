package oidc

import (
	"context"
	"fmt"
	"slices"

	"sessiongate/session"
)

// Finding is one thing in which the provider and the configuration do not fit.
type Finding struct {
	// Fatal says that nobody can sign in as it is. Others are worth a look.
	Fatal bool
	Text  string // what it is, and what to do
}

// Check asks for the discovery document now and holds it against the configuration:
// one finding for each thing that does not fit. acr are the values that routes
// demand. Errors: [*session.FaultError], where there is no document.
func (p *Provider) Check(ctx context.Context, acr []string) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout/2)
	defer cancel()
	m, err := p.discovery.download(ctx)
	if err != nil {
		return nil, &session.FaultError{Err: fmt.Errorf("discovery: %w", brief(err))}
	}
	var list []Finding
	for _, err := range p.o.misfits(m) {
		list = append(list, Finding{true, err.Error()})
	}
	list = append(list, m.requestFindings()...)
	list = append(list, p.client.auth.findings(m)...)
	return append(list, p.o.wishFindings(m, acr)...), nil
}

// requestFindings are about the authorization request (RFC 9126 §5, RFC 9101 §10.5,
// RFC 7636, Discovery §3).
func (m *metadata) requestFindings() (list []Finding) {
	if m.doc["require_pushed_authorization_requests"] == true {
		list = append(list, Finding{true, "requires pushed authorization requests (PAR), which are not sent: switch that off for this client"})
	}
	if m.doc["require_signed_request_object"] == true {
		list = append(list, Finding{true, "requires signed authorization requests (JAR), which are not sent: switch that off for this client"})
	}
	for _, need := range []struct{ member, value, what string }{
		{"response_types_supported", "code", "the response type code"},
		{"response_modes_supported", "query", "the response mode query"},
		{"grant_types_supported", "authorization_code", "the grant authorization_code"},
		{"code_challenge_methods_supported", "S256", "PKCE by S256"},
	} {
		if offered, said := m.offers(need.member); said && !slices.Contains(offered, need.value) {
			list = append(list, Finding{true, fmt.Sprintf("does not offer %s, which every sign-in here uses, but %.100q", need.what, offered)})
		}
	}
	return list
}

// findings are about the client's authentication (Discovery §3). A public
// client needs none, and not every provider lists that.
func (a clientAuth) findings(m *metadata) (list []Finding) {
	offered, said := m.offers("token_endpoint_auth_methods_supported")
	if !said {
		offered = []string{string(SecretBasic)} // the default
	}
	if method := string(a.o.Method); !slices.Contains(offered, method) {
		text := fmt.Sprintf("does not list auth_method %s but %.200q", method, offered)
		for _, ours := range []AuthMethod{SecretBasic, SecretPost, PrivateKeyJWT} {
			if slices.Contains(offered, string(ours)) {
				text += ": write auth_method: " + string(ours)
				break
			}
		}
		list = append(list, Finding{said && a.o.Method != Public, text})
	}
	algs, said := m.offers("token_endpoint_auth_signing_alg_values_supported")
	if a.method != nil && said && !slices.Contains(algs, a.method.Alg()) {
		list = append(list, Finding{true, fmt.Sprintf("takes assertions signed with %.200q, and the client key signs with %s", algs, a.method.Alg())})
	}
	return list
}

// wishFindings are about what a sign-in works without.
func (o Options) wishFindings(m *metadata, acr []string) (list []Finding) {
	if grants, said := m.offers("grant_types_supported"); said && !slices.Contains(grants, "refresh_token") {
		list = append(list, Finding{false, "does not offer the grant refresh_token: sessions end with their access token"})
	}
	scopes, said := m.offers("scopes_supported")
	for _, s := range []string{"openid", "profile", "email", "address", "phone", "offline_access"} {
		if said && slices.Contains(o.Scopes, s) && !slices.Contains(scopes, s) {
			text := "does not list the scope " + s + ": remove it from scopes if sign-ins fail"
			if s == "offline_access" {
				text = "does not list the scope offline_access: without it there may be no refresh token; ask for whatever this provider wants instead"
			}
			list = append(list, Finding{false, text})
		}
	}
	if m.EndSession == "" && o.PostLogoutURI != "" {
		list = append(list, Finding{false, "has no end_session_endpoint: its own session goes on after a logout here; " +
			"write logout: {rp_initiated: false} if that is known"})
	}
	levels, said := m.offers("acr_values_supported")
	for _, a := range acr {
		if said && !slices.Contains(levels, a) {
			list = append(list, Finding{false, fmt.Sprintf("does not list the acr %.100q that a route requires, but %.200q", a, levels)})
		}
	}
	return list
}

// offers reads a list of the document. said is false where there is none.
func (m *metadata) offers(member string) (list []string, said bool) {
	values, said := m.doc[member].([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			list = append(list, s)
		}
	}
	return list, said
}
