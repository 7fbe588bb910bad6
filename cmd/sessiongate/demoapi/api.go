package demoapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"sessiongate/session/token"
)

// Verifier checks a raw access token: signature, type at+jwt, issuer,
// audience and expiry. Its errors are those of [token.Verifier]: an error that is
// [token.ErrKeysUnavailable] says nothing about the token, every other one means
// that it is not valid. It is safe for concurrent use.
type Verifier interface {
	Verify(ctx context.Context, raw string) (token.Verified, error)
}

const (
	bodyLimit = 1 << 20 // of a request body and of a WebSocket message
	slowLimit = time.Minute
)

// API is the API behind the demo: an ordinary resource server that trusts
// nobody in front of it and verifies every Bearer by itself.
type API struct {
	verifier Verifier
	now      func() time.Time
	log      *slog.Logger
	mux      *http.ServeMux
	tick     time.Duration // between two events of a stream
	started  time.Time
	requests atomic.Int64
	streams  atomic.Int64

	stopping context.Context // ends when streams and WebSockets must
	stop     context.CancelFunc
}

// New returns the handler of the demo API. It is safe for concurrent use.
// A nil now means time.Now. A server that shuts down calls endStreams.
func New(verifier Verifier, now func() time.Time, log *slog.Logger) *API {
	if now == nil {
		now = time.Now
	}
	a := &API{
		verifier: verifier, now: now, log: log,
		mux: http.NewServeMux(), tick: time.Second, started: now(),
	}
	a.stopping, a.stop = context.WithCancel(context.Background())
	a.mux.HandleFunc("GET /api/me", a.me)
	a.mux.HandleFunc("GET /api/admin/metrics", a.adminMetrics)
	a.mux.HandleFunc("GET /api/slow", a.slow)
	a.mux.HandleFunc("GET /api/stream", a.stream)
	a.mux.HandleFunc("GET /api/ws", a.webSocket)
	a.mux.HandleFunc("/api/status/{code}", a.status)
	return a
}

type tokenKey struct{}

// requestToken is the verified token of a request.
type requestToken struct {
	raw    string
	claims token.Claims
}

func tokenOf(r *http.Request) requestToken {
	t, _ := r.Context().Value(tokenKey{}).(requestToken)
	return t
}

// ServeHTTP verifies the Bearer before it looks at anything else. Echo is matched
// by hand: ServeMux would redirect the unusual paths that echo is there to show.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	w.Header().Set("Cache-Control", "no-store")
	verified, ok := a.authenticate(w, r)
	if !ok {
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), tokenKey{}, verified))
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path == "/api/echo" || strings.HasPrefix(path, "/api/echo/") {
		a.echo(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// authenticate answers the request itself when it returns false. The challenges
// are those of RFC 6750 §3: no error code when no token was shown.
func (a *API) authenticate(w http.ResponseWriter, r *http.Request) (requestToken, bool) {
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		a.challenge(w, http.StatusBadRequest, "invalid_request", "Send one Authorization header, not several.")
		return requestToken{}, false
	}
	raw, found := bearer(strings.Join(values, ""))
	if !found {
		a.challenge(w, http.StatusUnauthorized, "", "Send an access token: Authorization: Bearer …")
		return requestToken{}, false
	}
	verified, err := a.verifier.Verify(r.Context(), raw)
	switch {
	case errors.Is(err, token.ErrKeysUnavailable):
		// A 401 would make the client throw away a token that may be good.
		a.log.Warn("verify token", slog.String("error", err.Error()))
		w.Header().Set("Retry-After", "1")
		writeProblem(w, http.StatusServiceUnavailable, "keys_unavailable", "The issuer's keys cannot be read. Try again.")
	case err != nil:
		a.log.Info("refuse token", slog.String("token", fingerprint(raw)), slog.String("error", err.Error()))
		a.challenge(w, http.StatusUnauthorized, "invalid_token", "The access token is expired or not valid here. Get a new one.")
	}
	return requestToken{raw, verified.Claims}, err == nil
}

// bearer returns the token of an Authorization value; the scheme's case does not
// matter (RFC 9110 §11.1).
func bearer(value string) (string, bool) {
	scheme, raw, _ := strings.Cut(value, " ")
	raw = strings.Trim(raw, " ")
	return raw, strings.EqualFold(scheme, "Bearer") && raw != ""
}

func (a *API) challenge(w http.ResponseWriter, status int, code, detail string) {
	value := "Bearer"
	if code != "" {
		value += fmt.Sprintf(" error=%q", code)
	}
	w.Header().Set("WWW-Authenticate", value)
	if code == "" {
		code = "authentication_required"
	}
	writeProblem(w, status, code, detail)
}

func (a *API) me(w http.ResponseWriter, r *http.Request) {
	claims := tokenOf(r).claims
	writeJSON(w, http.StatusOK, map[string]any{
		"sub":       claims.Subject,
		"name":      claims.Name,
		"roles":     append([]string{}, claims.Roles...), // [] rather than null
		"scope":     strings.Join(claims.Scopes, " "),
		"client_id": claims.ClientID,
		"exp":       claims.ExpiresAt.Unix(),
	})
}

func (a *API) adminMetrics(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(tokenOf(r).claims.Roles, "admin") {
		a.challenge(w, http.StatusForbidden, "insufficient_scope", "This needs the role admin.")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"requests":       a.requests.Load(),
		"open_streams":   a.streams.Load(),
		"uptime_seconds": int64(a.now().Sub(a.started).Seconds()),
	})
}

// slow answers after ?ms= milliseconds, at most a minute, unless the client leaves before.
func (a *API) slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.ParseUint(r.URL.Query().Get("ms"), 10, 31)
	if err != nil {
		writeProblem(w, http.StatusBadRequest, "bad_request", "Say how long in milliseconds: ?ms=1500")
		return
	}
	wait := min(time.Duration(ms)*time.Millisecond, slowLimit)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		writeJSON(w, http.StatusOK, map[string]any{"waited_ms": wait.Milliseconds()})
	case <-r.Context().Done():
	}
}

// status answers with the code of its path. A 401 says invalid_token, as an API
// would that no longer accepts the token (RFC 6750 §3.1).
func (a *API) status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	switch {
	case err != nil || code < 200 || code > 599:
		writeProblem(w, http.StatusBadRequest, "bad_request", "The code must be a number from 200 to 599.")
	case code == http.StatusUnauthorized:
		a.challenge(w, code, "invalid_token", "Asked for by the path.")
	case code == http.StatusNoContent || code == http.StatusResetContent || code == http.StatusNotModified:
		w.WriteHeader(code) // these have no body (RFC 9110 §15)
	case code >= 400:
		writeProblem(w, code, "demo_status", "Asked for by the path.")
	default:
		writeJSON(w, code, map[string]any{"status": code})
	}
}

// writeProblem writes an RFC 9457 problem document.
func writeProblem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, status, map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail, "code": code,
	})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, value)
}

func writeBody(w http.ResponseWriter, status int, value any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // only a client that left makes this fail
}
