package oidc

import (
	"context"
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

// maxRetryAfter bounds how long a provider can make us wait.
const maxRetryAfter = 5 * time.Minute

// errRefused is the provider's no to this user's code or refresh token. It wraps a
// [*session.ProviderAnswer].
var errRefused = errors.New("token endpoint: refused")

// request makes exactly one POST to the token endpoint. Errors: errRefused,
// [*session.FaultError].
func (c *client) request(ctx context.Context, m *metadata, form url.Values) (reply, error) {
	c.o.addTargets(form)
	began := c.o.Now()
	status, header, body, err := c.post(ctx, m, m.Token, form)
	switch {
	case err != nil:
		return reply{}, &session.FaultError{Err: fmt.Errorf("token endpoint: %w", err)}
	case status != http.StatusOK:
		return reply{}, c.failure("token endpoint", status, header, body, form)
	}
	return parseReply(body, began)
}

// post sends a form with the client's authentication.
func (c *client) post(ctx context.Context, m *metadata, to string, form url.Values) (int, http.Header, []byte, error) {
	header, err := c.auth.authenticate(form, m.Token)
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
	res, err := c.http.Do(req)
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
// without any code, may be a refusal too: the fault says that it is in doubt, and package
// session decides when it repeats. A bare 401 means what invalid_client does, for which
// §5.2 has this status.
func (c *client) failure(what string, status int, header http.Header, body []byte, form url.Values) error {
	answer := c.answer(what, status, body, form)
	refusing := status >= 400 && status < 500 && status != http.StatusTooManyRequests
	if refusing && session.AboutUser(answer.Code) {
		return fmt.Errorf("%w: %w", errRefused, answer)
	}
	fault := &session.FaultError{Err: answer}
	switch code := answer.Code; {
	case status == http.StatusTooManyRequests, status >= 500, code == "temporarily_unavailable", code == "server_error":
		fault.RetryAfter = retryAfter(header.Get("Retry-After"), c.o.Now())
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
func (c *client) answer(what string, status int, body []byte, form url.Values) *session.ProviderAnswer {
	a := &session.ProviderAnswer{What: what, Status: status}
	said, err := parseClaims(body)
	if err != nil {
		return a // no JSON, no code
	}
	secrets := []string{c.o.Secret.Reveal()}
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
	return max(0, min(d, maxRetryAfter))
}
