package endpoints

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/session"
)

// sessions tells pages about their own session.
type sessions struct{ *Options }

// sessionDocument tells a page who is signed in and how long for. It never
// holds a token.
type sessionDocument struct {
	Authenticated bool            `json:"authenticated"`
	Reason        session.Reason  `json:"reason,omitempty"` // why the last session ended
	User          *userDocument   `json:"user,omitempty"`
	Session       *detailDocument `json:"session,omitempty"`
}

type userDocument struct {
	Sub    string          `json:"sub"`
	Name   string          `json:"name"`
	Roles  []string        `json:"roles"`
	Claims json.RawMessage `json:"claims"`
}

type detailDocument struct {
	ID              session.ID `json:"id"`
	Provider        string     `json:"provider"`
	CreatedAt       time.Time  `json:"created_at"`
	AuthTime        time.Time  `json:"auth_time,omitzero"` // not every provider says
	ExpiresIn       int        `json:"expires_in"`
	IdleExpiresIn   int        `json:"idle_expires_in"`
	AccessExpiresIn int        `json:"access_expires_in"`
}

// showSession answers who is signed in. Nobody is an answer, not an error.
func (s *sessions) showSession(x *exchange.Exchange) error {
	touch := x.Request.URL.Query().Get("touch") != "false"
	found, err := x.Authenticate(session.ResolveOptions{Touch: touch})
	if err == nil {
		return sendSession(x, found, s.Now())
	}
	if !exchange.SignedOut(err) {
		return err
	}
	doc := sessionDocument{}
	var ended *session.EndedError
	if errors.As(err, &ended) {
		doc.Reason = ended.Reason
	}
	return x.SendJSON(http.StatusOK, doc)
}

// refreshSession refreshes the access token if it is due, or now with force=true.
func (s *sessions) refreshSession(x *exchange.Exchange) error {
	found, err := x.Authenticate(session.ResolveOptions{
		Touch: true, Eager: true, Force: x.Request.URL.Query().Get("force") == "true",
	})
	if err != nil {
		return s.Limits.RefusedRefresh(x.Request.Context(), x.Client, err)
	}
	return sendSession(x, found, s.Now())
}

// sendSession answers with the document of a session as it is now.
func sendSession(x *exchange.Exchange, found *session.Session, now time.Time) error {
	id := found.Identity()
	absolute, idle, access := found.Remaining(now)
	doc := sessionDocument{
		Authenticated: true,
		User:          &userDocument{Sub: id.Subject, Name: id.Name, Roles: id.Roles, Claims: id.Claims},
		Session: &detailDocument{
			ID: found.ID(), Provider: id.Provider,
			CreatedAt: found.Created().UTC().Truncate(time.Second),
			AuthTime:  id.AuthTime.UTC().Truncate(time.Second),
			ExpiresIn: int(absolute / time.Second), IdleExpiresIn: int(idle / time.Second),
			AccessExpiresIn: int(access / time.Second),
		},
	}
	if doc.User.Roles == nil {
		doc.User.Roles = []string{}
	}
	if len(doc.User.Claims) == 0 {
		doc.User.Claims = json.RawMessage("{}")
	}
	return x.SendJSON(http.StatusOK, doc)
}
