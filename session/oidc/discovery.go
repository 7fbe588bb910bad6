package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

const (
	discoveryTTL           = time.Hour   // then it is read again; the old one serves meanwhile
	discoveryRenewInterval = time.Minute // between failures to read it again
	discoveryRetryInterval = time.Second // between failures to read it at all
)

// metadata is the part of the discovery document we use (OpenID Connect
// Discovery §3, RFC 8414 §2, RFC 9207 §3, RP-Initiated Logout §2.1).
type metadata struct {
	verify verifiers
	algs   []string
	doc    claimSet // all of it, for [Provider.Check]

	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Algs          []string `json:"id_token_signing_alg_values_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
}

// discovery remembers the document. The lock is held while the first one is
// fetched: everybody needs it, and one fetch serves all. Later ones are fetched
// aside: what worked an hour ago serves, and nobody waits for a provider that
// hangs.
type discovery struct {
	o      Options
	client *client

	lock    chan struct{} // takes one: a mutex whose waiters may leave
	current *metadata
	next    time.Time // when to fetch again
	failure error
}

func newDiscovery(c *client) *discovery {
	return &discovery{o: c.o, client: c, lock: make(chan struct{}, 1)}
}

// get returns what discovery says. Errors: [*session.FaultError].
func (d *discovery) get(ctx context.Context) (*metadata, error) {
	select {
	case d.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, &session.FaultError{Err: fmt.Errorf("discovery: %w", ctx.Err())}
	}
	defer func() { <-d.lock }()
	now := d.o.Now()
	if now.Before(d.next) {
		return d.current, d.failure
	}
	if d.current != nil {
		d.next = now.Add(discoveryRenewInterval)
		go d.renew(context.WithoutCancel(ctx))
		return d.current, nil
	}
	if d.current, d.failure = d.fetch(ctx); d.failure != nil {
		d.next = now.Add(discoveryRetryInterval)
		return nil, d.failure
	}
	d.next = now.Add(discoveryTTL)
	return d.current, nil
}

// renew reads the document again; it takes at most half a timeout.
func (d *discovery) renew(ctx context.Context) {
	found, err := d.fetch(ctx)
	if err != nil {
		d.o.Log.Warn("discovery failed, the former document goes on",
			slog.String("provider", d.o.Name), slog.String("error", err.Error()))
		return
	}
	d.lock <- struct{}{}
	defer func() { <-d.lock }()
	d.current, d.next = found, d.o.Now().Add(discoveryTTL)
}

func (d *discovery) fetch(ctx context.Context) (*metadata, error) {
	// Detached: a browser that goes away must not spoil it for the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.o.Timeout/2)
	defer cancel()
	m, err := d.download(ctx)
	if err != nil {
		return nil, &session.FaultError{Err: fmt.Errorf("discovery: %w", brief(err))}
	}
	err = errors.Join(d.o.misfits(m)...)
	if err == nil {
		m.verify, err = newVerifiers(d.client, m.JWKS, m.algs)
	}
	if err != nil {
		return nil, &session.FaultError{Misconfigured: true, Err: fmt.Errorf("discovery: %w", err)}
	}
	return m, nil
}

// download reads the document at its one address (Discovery §4.1).
func (d *discovery) download(ctx context.Context) (*metadata, error) {
	address := strings.TrimSuffix(d.o.Issuer, "/") + "/.well-known/openid-configuration"
	status, body, err := d.client.get(ctx, address, nil)
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, fmt.Errorf("%s answers %d", address, status)
	}
	m := &metadata{}
	doc, err := parseClaims(body)
	if err == nil {
		err = json.Unmarshal(body, m)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not a discovery document", address)
	}
	m.doc = doc
	return m, nil
}

// misfits are what keeps everybody from signing in. Wanted are the issuer's own
// document (Discovery §4.3), the endpoints a login needs, over TLS where the issuer is
// (RFC 8414 §2), and signature algorithms that both sides accept, which it notes in m.
func (o Options) misfits(m *metadata) (list []error) {
	if m.Issuer != o.Issuer {
		list = append(list, fmt.Errorf("the document is of the issuer %.200q, and the configuration says %q", m.Issuer, o.Issuer))
	}
	secure := strings.HasPrefix(o.Issuer, "https://")
	for _, e := range []struct {
		name, value string
		needed      bool
	}{
		{"authorization_endpoint", m.Authorization, true},
		{"token_endpoint", m.Token, true},
		{"jwks_uri", m.JWKS, true},
		{"userinfo_endpoint", m.Userinfo, o.Userinfo},
		{"revocation_endpoint", m.Revocation, false},
		{"end_session_endpoint", m.EndSession, false},
	} {
		if e.value == "" && !e.needed {
			continue
		}
		u, err := url.Parse(e.value)
		if err != nil || u.Host == "" || u.Scheme != "https" && (secure || u.Scheme != "http") {
			list = append(list, fmt.Errorf("%s is missing or not a proper URL", e.name))
		}
	}
	offered := m.Algs
	if len(offered) == 0 {
		offered = []string{"RS256"} // what every provider has to know (Core §15.1)
	}
	m.algs = slices.DeleteFunc(slices.Clone(o.Algorithms), func(a string) bool { return !slices.Contains(offered, a) })
	if len(m.algs) == 0 {
		list = append(list, fmt.Errorf("the provider signs ID tokens with %.100q, and none of these is allowed", offered))
	}
	return list
}

// brief shortens an error that may quote a whole reply. Its chain is cut on
// purpose.
func brief(err error) error {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, err.Error())
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return errors.New(text)
}
