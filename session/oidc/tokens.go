package oidc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sessiongate/session"
)

const (
	// defaultLifetime is that of an access token about which nothing is said.
	defaultLifetime = 5 * time.Minute
	mostLifetime    = 30 * 24 * time.Hour
	mostRetryAfter  = 5 * time.Minute
)

// reply is an answer of the token endpoint (RFC 6749 §5.1).
type reply struct {
	AccessToken  session.Secret
	RefreshToken session.Secret
	IDToken      session.Secret
	TokenType    string
	Scope        string
	Lifetime     time.Duration
}

// errInvalidGrant is the provider's only final answer (RFC 6749 §5.2).
var errInvalidGrant = errors.New("token endpoint: invalid_grant")

// request makes exactly one POST to the token endpoint. Errors: errInvalidGrant,
// [*session.FaultError].
func (p *Provider) request(ctx context.Context, m *metadata, form url.Values) (reply, error) {
	p.addTargets(form)
	began := p.o.Now()
	status, header, body, err := p.post(ctx, m, m.Token, form)
	switch {
	case err != nil:
		return reply{}, &session.FaultError{Err: fmt.Errorf("token endpoint: %w", err)}
	case status != http.StatusOK:
		return reply{}, p.failure(status, header, body)
	}
	return parseReply(body, began)
}

// post sends a form with the client's authentication.
func (p *Provider) post(ctx context.Context, m *metadata, to string, form url.Values) (int, http.Header, []byte, error) {
	header, err := p.auth.authenticate(form, m.Token)
	if err != nil {
		return 0, nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, body, err
}

// failure sorts an answer that is not 200. Only a well-formed invalid_grant is
// about the user (RFC 6749 §5.2). A bare 401 means what invalid_client does, for
// which that section has this status; another 4xx without an error code may be a
// refusal or come from a proxy in between.
func (p *Provider) failure(status int, header http.Header, body []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &said) // no JSON, no code
	if said.Error == "invalid_grant" && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		return errInvalidGrant
	}
	fault := &session.FaultError{Err: fmt.Errorf("token endpoint: answer %d %.64q", status, said.Error)}
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		fault.RetryAfter = retryAfter(header.Get("Retry-After"), p.o.Now())
	case said.Error != "" || status == http.StatusUnauthorized || status < 400:
		// invalid_client, unauthorized_client, invalid_scope, a redirect: what was
		// sent is what the operator configured.
		fault.Misconfigured = true
	default:
		fault.Doubt = doubtful(status)
	}
	return fault
}

// doubtful reports whether a 4xx without an error code can be about the tokens.
func doubtful(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout,
		http.StatusUnsupportedMediaType, http.StatusTooEarly:
		return false
	}
	return true
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 if it says nothing useful.
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		d = time.Duration(min(n, 1e6)) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return max(0, min(d, mostRetryAfter))
}

// parseReply reads a token response that was asked for at began.
func parseReply(body []byte, began time.Time) (reply, error) {
	var raw struct {
		AccessToken  string          `json:"access_token"`
		RefreshToken string          `json:"refresh_token"`
		IDToken      string          `json:"id_token"`
		TokenType    string          `json:"token_type"`
		Scope        json.RawMessage `json:"scope"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
	}
	switch err := json.Unmarshal(body, &raw); {
	case err != nil:
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer is not JSON as expected")}
	case raw.AccessToken == "" || strings.ContainsFunc(raw.AccessToken, unsendable):
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer has no usable access token")}
	case raw.TokenType != "" && !strings.EqualFold(raw.TokenType, "Bearer"):
		return reply{}, &session.FaultError{
			Misconfigured: true, Err: fmt.Errorf("token endpoint: token type %.32q is not Bearer", raw.TokenType),
		}
	}
	r := reply{
		AccessToken: session.Secret(raw.AccessToken), RefreshToken: session.Secret(raw.RefreshToken),
		IDToken: session.Secret(raw.IDToken), TokenType: raw.TokenType, Scope: scope(raw.Scope),
	}
	r.Lifetime = lifetime(raw.ExpiresIn, raw.AccessToken, began)
	return r, nil
}

// scope reads a text with words or, as some providers have it, a list. Anything
// else is as good as none: the refresh token of this answer must not be lost.
func scope(raw json.RawMessage) string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, " ")
	}
	var text string
	_ = json.Unmarshal(raw, &text)
	return text
}

// unsendable bytes would end the Authorization header or split it.
func unsendable(r rune) bool { return r <= ' ' || r >= 0x7f }

// lifetime is what expires_in says, as a number or, as some providers have it, a
// string; else what the access token says if it is a JWT; else a guess. It counts
// from now, when the provider was asked, as [session.Grant] wants it.
func lifetime(expiresIn json.RawMessage, accessToken string, now time.Time) time.Duration {
	text := string(bytes.Trim(expiresIn, `"`))
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 {
		return time.Duration(min(n, mostLifetime.Seconds()) * float64(time.Second))
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if payload, ok := unverifiedPayload(accessToken); ok && json.Unmarshal(payload, &claims) == nil && claims.Expires > 0 {
		left := time.Unix(int64(min(claims.Expires, 1e11)), 0).Sub(now)
		if left > 0 {
			return min(left, mostLifetime)
		}
	}
	return defaultLifetime
}

// unverifiedPayload is the payload of a JWT nobody has checked.
func unverifiedPayload(token string) ([]byte, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return payload, err == nil
}
