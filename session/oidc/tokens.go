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
	Scope        string
	Lifetime     time.Duration
}

// errRefused is the provider's no to this user's code or refresh token. It wraps a
// [*session.ProviderAnswer].
var errRefused = errors.New("token endpoint: refused")

// request makes exactly one POST to the token endpoint. Errors: errRefused,
// [*session.FaultError].
func (p *Provider) request(ctx context.Context, m *metadata, form url.Values) (reply, error) {
	p.addTargets(form)
	began := p.o.Now()
	status, header, body, err := p.post(ctx, m, m.Token, form)
	switch {
	case err != nil:
		return reply{}, &session.FaultError{Err: fmt.Errorf("token endpoint: %w", err)}
	case status != http.StatusOK:
		return reply{}, p.failure("token endpoint", status, header, body, form)
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

// failure sorts an answer that is not 200 (RFC 6749 §5.2). The codes about this
// user's grant are a refusal. Those about the client or the request are the
// configuration's fault; but some providers say invalid_request or
// unauthorized_client of a refresh token that is dead, so that these, and a 4xx
// without any code, may be a refusal too: see session/refusal.go. A bare 401 means
// what invalid_client does, for which §5.2 has this status.
func (p *Provider) failure(what string, status int, header http.Header, body []byte, form url.Values) error {
	answer := p.answer(what, status, body, form)
	refusing := status >= 400 && status < 500 && status != http.StatusTooManyRequests
	if refusing && session.AboutUser(answer.Code) {
		return fmt.Errorf("%w: %w", errRefused, answer)
	}
	fault := &session.FaultError{Err: answer}
	switch code := answer.Code; {
	case status == http.StatusTooManyRequests, status >= 500, code == "temporarily_unavailable", code == "server_error":
		fault.RetryAfter = retryAfter(header.Get("Retry-After"), p.o.Now())
	case code == "" && status != http.StatusUnauthorized && status >= 400:
		fault.Doubt = doubtful(status)
	default:
		fault.Misconfigured = true
		fault.Doubt = refusing && (code == "invalid_request" || code == "unauthorized_client" || code == "invalid_token")
	}
	return fault
}

// answer reads an error document. Secrets that were sent are not for the log, even
// if the provider repeats them.
func (p *Provider) answer(what string, status int, body []byte, form url.Values) *session.ProviderAnswer {
	a := &session.ProviderAnswer{What: what, Status: status}
	said, err := parseClaims(body)
	if err != nil {
		return a // no JSON, no code
	}
	secrets := []string{p.o.Secret.Reveal()}
	for _, name := range []string{"refresh_token", "code", "code_verifier", "token", "client_assertion"} {
		secrets = append(secrets, form.Get(name))
	}
	a.Code = session.CleanDescription(said.text("error"), secrets...)
	a.Description = session.CleanDescription(said.text("error_description"), secrets...)
	return a
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
	var fields map[string]json.RawMessage // names are exact
	err := json.Unmarshal(body, &fields)
	var raw struct{ access, refresh, id, kind string }
	for name, into := range map[string]*string{
		"access_token": &raw.access, "refresh_token": &raw.refresh, "id_token": &raw.id, "token_type": &raw.kind,
	} {
		if value, there := fields[name]; there && err == nil {
			err = json.Unmarshal(value, into)
		}
	}
	switch {
	case err != nil:
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer is not JSON as expected")}
	case raw.access == "" || strings.ContainsFunc(raw.access, unsendable):
		return reply{}, &session.FaultError{Err: errors.New("token endpoint: the answer has no usable access token")}
	case raw.kind != "" && !strings.EqualFold(raw.kind, "Bearer"):
		return reply{}, &session.FaultError{
			Misconfigured: true, Err: fmt.Errorf("token endpoint: token type %.32q is not Bearer", raw.kind),
		}
	}
	r := reply{
		AccessToken: session.Secret(raw.access), RefreshToken: session.Secret(raw.refresh), IDToken: session.Secret(raw.id),
		Scope: scope(fields["scope"]), Lifetime: lifetime(fields["expires_in"], raw.access, began),
	}
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
	if payload, ok := unverifiedPayload(accessToken); ok {
		claims, _ := parseClaims(payload)
		if expires, ok := claims.time("exp"); ok && expires.After(now) {
			return min(expires.Sub(now), mostLifetime)
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
