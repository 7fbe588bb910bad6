package gateway

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// mostLogoutToken bounds the body of a back-channel logout.
const mostLogoutToken = 32 << 10

// backChannelLogout takes a logout token from a provider (OpenID Connect
// Back-Channel Logout §2.5 to §2.8). The provider calls by whatever name it
// reaches us under, without a cookie; the token is all that counts.
func (s *Server) backChannelLogout(x *exchange) error {
	x.Header().Set("Cache-Control", "no-store")
	kind, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	x.r.Body = http.MaxBytesReader(x, x.r.Body, mostLogoutToken)
	if kind != "application/x-www-form-urlencoded" || x.r.ParseForm() != nil || x.r.PostForm.Get("logout_token") == "" ||
		len(x.r.PostForm["logout_token"]) > 1 {
		return sendLogoutFault(x, "a form with logout_token is wanted")
	}
	provider := strings.TrimPrefix(x.r.URL.Path, s.prefix+"/back-channel-logout/")
	_, err := s.manager.HandleLogoutToken(x.r.Context(), provider, x.r.PostForm.Get("logout_token"), x.client)
	var rejected *session.RejectedError
	var down *session.UnavailableError
	switch {
	case err == nil:
		x.WriteHeader(http.StatusOK)
		return nil
	case errors.Is(err, session.ErrNoProvider):
		return problem.NotFound()
	case errors.As(err, &rejected):
		s.log.Warn("logout token refused", slog.String("provider", provider), slog.String("ip", x.client.IP),
			slog.String("request_id", x.client.RequestID), slog.String("error", rejected.Err.Error()))
		return sendLogoutFault(x, "the logout token is not valid")
	case errors.As(err, &down):
		x.Header().Set("Retry-After", strconv.Itoa(max(1, problem.Seconds(down.RetryAfter))))
	}
	return err
}

// sendLogoutFault answers as §2.8 has it. What exactly is wrong is for our log:
// a forger should learn nothing.
func sendLogoutFault(x *exchange, why string) error {
	return sendJSON(x, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": why})
}

// isBackChannel reports a path that servers call under inner names.
func (s *Server) isBackChannel(path string) bool {
	return strings.HasPrefix(path, s.prefix+"/back-channel-logout/")
}
