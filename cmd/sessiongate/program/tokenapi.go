package program

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// tokenAPI makes a provider and remembers its endpoints, which no route may lead to.
func (p *providers) tokenAPI(name string, c *configs.TokenAPIProvider) (session.Provider, error) {
	o := tokenapi.Options{
		Name:    name,
		Refresh: tokenAPICall(c, c.Refresh.TokenAPICall),
		Logout:  tokenAPICall(c, c.Logout),
		Login: tokenapi.Endpoint{
			URL: c.URL(c.Login.Path), Method: c.Login.Method, Encoding: tokenapi.Encoding(c.Login.Encoding),
			Body: string(c.Login.Body), Refused: c.Login.Refused,
			Send: texts(c.Login.Send), Answers: c.Login.Answers, Extra: c.Login.Extra, Relay: c.Login.Relay,
		},
		Me: tokenapi.Endpoint{URL: c.URL(c.Me.Path), Method: c.Me.Method, AccessToken: c.Me.AccessToken, Send: texts(c.Me.Send)},
		Reply: tokenapi.Reply{
			AccessToken: c.Reply.AccessToken, RefreshToken: c.Reply.RefreshToken,
			ExpiresIn: c.Reply.ExpiresIn, ExpiresUnit: expiresUnit(c.Reply.ExpiresUnit),
		},
		Keep: c.Keep, Values: tokenAPIValues(c.Values), Environment: revealed(c.Environment), Forward: texts(c.Forward), Stale: texts(c.Stale),
		Identity: tokenapi.IdentitySource{
			From: tokenapi.IdentityFrom(c.Identity.From), Subject: c.Identity.Subject, Name: c.Identity.Name,
			Roles: c.Identity.Roles, Scopes: c.Identity.Scopes, RoleMap: c.Identity.RoleMap, Claims: c.Identity.Claims,
		},
		Headers:  tokenAPIHeaders(c.Headers),
		Lifetime: time.Duration(c.AccessLifetime), Timeout: time.Duration(c.Timeout), Now: p.now, Log: p.log, Issued: p.apis.issued(name),
	}
	o.Refresh.NeedsLive = c.Refresh.NeedsLive
	if c.Login.Body == "" { // else the fields' defaults would stand beside it
		o.Login.Username, o.Login.Password = c.Login.Username, c.Login.Password
	}
	var err error
	if o.TLS, err = clientTLS(c.TLS); err != nil {
		return nil, err
	}
	if o.Verify, err = tokenAPIVerification(c.Verify); err != nil {
		return nil, err
	}
	made, err := tokenapi.New(o)
	if err != nil {
		return nil, err
	}
	p.apis.add(made, c)
	return made, nil
}

func tokenAPICall(c *configs.TokenAPIProvider, call configs.TokenAPICall) tokenapi.Endpoint {
	return tokenapi.Endpoint{
		URL: c.URL(call.Path), Method: call.Method, Encoding: tokenapi.Encoding(call.Encoding), Body: string(call.Body),
		RefreshToken: call.RefreshToken, AccessToken: call.AccessToken, Refused: call.Refused,
		Send: texts(call.Send), Answers: call.Answers,
	}
}

func tokenAPIHeaders(list []configs.TokenAPIHeader) http.Header {
	h := make(http.Header, len(list))
	for _, x := range list {
		h.Add(x.Name, valueOf(x))
	}
	return h
}

func tokenAPIValues(list []configs.TokenAPIHeader) map[string]string {
	values := make(map[string]string, len(list))
	for _, x := range list {
		values[x.Name] = valueOf(x)
	}
	return values
}

func revealed(secrets map[string]configs.Secret) map[string]string {
	plain := make(map[string]string, len(secrets))
	for name, secret := range secrets {
		plain[name] = secret.Reveal()
	}
	return plain
}

func valueOf(x configs.TokenAPIHeader) string {
	if !x.Secret.Empty() {
		return x.Secret.Reveal()
	}
	return x.Value
}

func expiresUnit(unit string) time.Duration {
	if unit == "ms" {
		return time.Millisecond
	}
	return time.Second
}

func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, c := range list {
		all[i] = string(c)
	}
	return all
}

func tokenAPIVerification(v *configs.TokenAPIVerify) (*tokenapi.Verification, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // nothing is to be verified
	}
	o := &tokenapi.Verification{Key: []byte(v.JWTKey.Reveal()), JWKS: v.JWKSURL, Issuer: v.Issuer, Audience: v.Audience}
	if v.PublicKeyFile == "" {
		return o, nil
	}
	var err error
	if o.Key, err = os.ReadFile(v.PublicKeyFile.String()); err != nil {
		return nil, fmt.Errorf("verify.public_key_file: %w", err)
	}
	if !strings.Contains(string(o.Key), "-----BEGIN PUBLIC KEY-----") { // or it would be taken for a shared secret
		return nil, fmt.Errorf("verify.public_key_file: %s holds no PEM of type PUBLIC KEY", v.PublicKeyFile)
	}
	return o, nil
}

// clientTLS says whom to trust on the way out; nil: the system's certificates.
func clientTLS(c *configs.ClientTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // the default
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	var err error
	t.RootCAs, err = trustedCAs("tls.ca_file", c.CAFile)
	return t, err
}
