package endpoints

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// maxLogoutToken bounds the body of a back-channel logout.
const maxLogoutToken = 32 << 10

// backChannelLogout takes a logout token from a provider (OpenID Connect
// Back-Channel Logout §2.5 to §2.8). The provider calls by whatever name it
// reaches us under, without a cookie; the token is all that counts.
func (s *signOut) backChannelLogout(x *exchange.Exchange) error {
	x.Header().Set("Cache-Control", "no-store")
	kind, _, _ := mime.ParseMediaType(x.Request.Header.Get("Content-Type"))
	x.Request.Body = http.MaxBytesReader(x, x.Request.Body, maxLogoutToken)
	if kind != "application/x-www-form-urlencoded" || x.Request.ParseForm() != nil || x.Request.PostForm.Get("logout_token") == "" ||
		len(x.Request.PostForm["logout_token"]) > 1 {
		return sendLogoutFault(x, "a form with logout_token is wanted")
	}
	provider := strings.TrimPrefix(x.Request.URL.Path, s.Site.Prefix+"/back-channel-logout/")
	_, err := s.Terminator.HandleLogoutToken(x.Request.Context(), provider, x.Request.PostForm.Get("logout_token"), x.Client)
	var rejected *session.RejectedError
	var down *session.UnavailableError
	switch {
	case err == nil:
		x.WriteHeader(http.StatusOK)
		return nil
	case errors.Is(err, session.ErrNoProvider):
		return problem.NotFound()
	case errors.As(err, &rejected):
		s.Log.Warn("logout token refused", slog.String("provider", provider), slog.String("ip", x.Client.IP),
			slog.String("request_id", x.Client.RequestID), slog.String("error", rejected.Err.Error()))
		return sendLogoutFault(x, "the logout token is not valid")
	case errors.As(err, &down):
		x.Header().Set("Retry-After", strconv.Itoa(max(1, problem.Seconds(down.RetryAfter))))
	}
	return err
}

// sendLogoutFault answers as §2.8 has it. What exactly is wrong is for our log:
// a forger should learn nothing.
func sendLogoutFault(x *exchange.Exchange, why string) error {
	x.MarkProblem("bad_request")
	return x.SendJSON(http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": why})
}
