package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// This file is the explicit flow: sign-in, refresh and sign-out for clients that
// keep their tokens themselves (mobile apps, SDKs, command lines). It reads no
// cookie and sets none. A page in a browser has no business here, and is sent
// away: script that could read these answers could read the tokens.

// explicit is the chain in front of the token endpoints.
func (s *Server) explicit(h func(*exchange) error) echo.HandlerFunc {
	return s.open(func(x *exchange) error {
		if sentByPage(x.r) {
			return problem.NotForPages(s.prefix + "/login")
		}
		return h(x)
	})
}

// sentByPage reports whether script of a page, or a page itself, sent the
// request: browsers add these headers and let no script change them (Fetch §2.2.2).
func sentByPage(r *http.Request) bool {
	return len(r.Header["Origin"]) > 0 || len(r.Header["Sec-Fetch-Site"]) > 0
}

// tokenPair is the answer of login and refresh (RFC 6749 §5.1, with the rest of
// the refresh token's life beside it).
type tokenPair struct {
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
}

func sendPair(x *exchange, i session.TokenPair) error {
	return sendJSON(x, http.StatusOK, tokenPair{
		AccessToken: i.Access.Reveal(), RefreshToken: i.Refresh.Reveal(), TokenType: "bearer",
		ExpiresIn: int(i.AccessTTL / time.Second), RefreshExpiresIn: int(i.RefreshTTL / time.Second),
	})
}

// tokenLogin starts a family of explicit tokens.
func (s *Server) tokenLogin(x *exchange) error {
	form, c, err := readCredentials(x)
	if err != nil {
		return err
	}
	if form {
		return problem.BadRequest(`Send a JSON object: {"username": "…", "password": "…"}.`, nil)
	}
	signedIn, err := s.limits.Login(x.r.Context(), session.Login{
		Kind: session.TokenClient, Provider: c.Provider, Username: c.Username, Password: c.Password,
		DeviceName: session.PlainText(strings.TrimSpace(c.DeviceName), 64),
		IPPrefix:   ipPrefix(x.client.IP), Client: x.client,
	})
	if err != nil {
		return err
	}
	issued, err := s.manager.TokenPair(signedIn)
	if err != nil {
		return err
	}
	return sendPair(x, issued)
}

// tokenRefresh spends a refresh token for a new pair.
func (s *Server) tokenRefresh(x *exchange) error {
	refresh, access, err := presentedTokens(x)
	if err != nil {
		return err
	}
	if refresh == "" {
		return problem.NoRefreshToken()
	}
	issued, err := s.manager.RefreshTokenClient(x.r.Context(), session.TokenClientRefresh{
		Refresh: refresh, Access: access, Client: x.client,
	})
	if err != nil {
		return s.limits.RefusedRefresh(x.r.Context(), x.client, problem.OfRefreshToken(err))
	}
	return sendPair(x, issued)
}

// tokenLogout ends the family. Its answer is the same whether there was one. An
// access token alone is revoked and ends nothing: APIs hold it too. The client
// must hear that, or it would think itself signed out.
func (s *Server) tokenLogout(x *exchange) error {
	refresh, access, err := presentedTokens(x)
	if err != nil {
		return err
	}
	err = s.manager.LogoutTokenClient(x.r.Context(), session.TokenClientRefresh{Refresh: refresh, Access: access, Client: x.client})
	if err != nil {
		return err
	}
	if refresh == "" && access != "" {
		p := problem.NoRefreshToken()
		p.Detail = "Only the refresh token ends the session: send it as Authorization: Bearer, or in the JSON field refresh_token."
		return p
	}
	return sendJSON(x, http.StatusOK, struct {
		OK bool `json:"ok"`
	}{true})
}

// presentedTokens reads the refresh token from the Authorization header, else
// from the JSON body. A Bearer that is no refresh token of ours can only be the
// access token the client had until now.
func presentedTokens(x *exchange) (refresh, access session.Secret, err error) {
	bearer, given, ok := bearerToken(x.r)
	if given && !ok {
		return "", "", problem.BadRequest("The Authorization header must be Bearer and one token.", nil)
	}
	inBody, err := readRefreshToken(x)
	if err != nil {
		return "", "", err
	}
	if !strings.HasPrefix(bearer, session.RefreshPrefix) {
		return inBody, session.Secret(bearer), nil
	}
	if inBody != "" && inBody.Reveal() != bearer {
		return "", "", problem.BadRequest("The header and the body name two different refresh tokens.", nil)
	}
	return session.Secret(bearer), "", nil
}

// bearerToken reads the Authorization header strictly (RFC 6750 §2.1): one
// header, the scheme in any case, one token. given is false without a header.
func bearerToken(r *http.Request) (token string, given, ok bool) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", false, false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsFunc(token, notB64Token) {
		return "", true, false
	}
	return token, true, true
}

// notB64Token is what a b64token may not contain (RFC 6750 §2.1).
func notB64Token(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("-._~+/=", r)
}

// readRefreshToken reads the body, which may be missing.
func readRefreshToken(x *exchange) (session.Secret, error) {
	body, err := io.ReadAll(http.MaxBytesReader(x, x.r.Body, mostLoginBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", problem.PayloadTooLarge()
	case err != nil:
		return "", problem.BadRequest("The body could not be read.", err)
	case len(body) == 0:
		return "", nil
	}
	var doc struct {
		RefreshToken session.Secret `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", problem.BadRequest(`Send a JSON object: {"refresh_token": "…"}.`, nil)
	}
	return doc.RefreshToken, nil
}
