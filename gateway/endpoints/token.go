package endpoints

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// tokens is sign-in, refresh and sign-out for clients that
// keep their tokens themselves (mobile apps, SDKs, command lines). It reads no
// cookie and sets none. A page in a browser has no business here, and is sent
// away: script that could read these answers could read the tokens.
type tokens struct{ *Options }

// tokenClient is the chain in front of the token endpoints.
func (r *Router) tokenClient(h func(*exchange.Exchange) error) echo.HandlerFunc {
	return r.public(func(x *exchange.Exchange) error {
		if exchange.SentByPage(x.Request) {
			return problem.NotForPages(r.o.Site.Prefix + "/login")
		}
		return h(x)
	})
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

func sendPair(x *exchange.Exchange, i session.TokenPair) error {
	return x.SendJSON(http.StatusOK, tokenPair{
		AccessToken: i.Access.Reveal(), RefreshToken: i.Refresh.Reveal(), TokenType: "bearer",
		ExpiresIn: int(i.AccessTTL / time.Second), RefreshExpiresIn: int(i.RefreshTTL / time.Second),
	})
}

// login starts a family of tokens for a program.
func (s *tokens) login(x *exchange.Exchange) error {
	form, c, err := readCredentials(x, s.Fields)
	if err != nil {
		return err
	}
	if form {
		return problem.BadRequest(`Send a JSON object: {"username": "…", "password": "…"}.`, nil)
	}
	signedIn, err := s.Limits.Login(x.Request.Context(), session.Login{
		Kind: session.TokenClient, Provider: c.Provider, Username: c.Username, Password: c.Password, Extra: c.extra,
		DeviceName: session.PlainText(strings.TrimSpace(c.DeviceName), 64),
		IPPrefix:   exchange.IPPrefix(x.Client.IP), Client: x.Client,
	})
	if err != nil {
		return err
	}
	issued, err := s.TokenClients.TokenPair(signedIn)
	if err != nil {
		return err
	}
	return sendPair(x, issued)
}

// refresh spends a refresh token for a new pair.
func (s *tokens) refresh(x *exchange.Exchange) error {
	refresh, access, err := presentedTokens(x)
	if err != nil {
		return err
	}
	if refresh == "" {
		return problem.NoRefreshToken()
	}
	issued, err := s.TokenClients.RefreshTokenClient(x.Request.Context(), session.TokenClientRefresh{
		Refresh: refresh, Access: access, Client: x.Client,
	})
	if err != nil {
		return s.Limits.RefusedRefresh(x.Request.Context(), x.Client, problem.OfRefreshToken(err))
	}
	return sendPair(x, issued)
}

// logout ends the family. Its answer is the same whether there was one. An
// access token alone is revoked and ends nothing: APIs hold it too. The client
// must hear that, or it would think itself signed out.
func (s *tokens) logout(x *exchange.Exchange) error {
	refresh, access, err := presentedTokens(x)
	if err != nil {
		return err
	}
	err = s.TokenClients.LogoutTokenClient(x.Request.Context(), session.TokenClientRefresh{Refresh: refresh, Access: access, Client: x.Client})
	if err != nil {
		return err
	}
	if refresh == "" && access != "" {
		p := problem.NoRefreshToken()
		p.Detail = "Only the refresh token ends the session: send it as Authorization: Bearer, or in the JSON field refresh_token."
		return p
	}
	return x.SendJSON(http.StatusOK, struct {
		OK bool `json:"ok"`
	}{true})
}

// presentedTokens reads the refresh token from the Authorization header, else
// from the JSON body. A Bearer that is no refresh token of ours can only be the
// access token the client had until now.
func presentedTokens(x *exchange.Exchange) (refresh, access session.Secret, err error) {
	bearer, given, ok := exchange.BearerToken(x.Request)
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

// readRefreshToken reads the body, which may be missing.
func readRefreshToken(x *exchange.Exchange) (session.Secret, error) {
	body, err := exchange.ReadBody(x, maxLoginBody)
	if err != nil || len(body) == 0 {
		return "", err
	}
	var doc struct {
		RefreshToken session.Secret `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", problem.BadRequest(`Send a JSON object: {"refresh_token": "…"}.`, nil)
	}
	return doc.RefreshToken, nil
}
