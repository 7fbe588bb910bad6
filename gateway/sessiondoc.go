package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sessiongate/session"
)

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
func (s *Server) showSession(x *exchange) error {
	touch := x.r.URL.Query().Get("touch") != "false"
	found, err := s.authenticate(x, session.ResolveOptions{Touch: touch})
	if err == nil {
		return s.sendSession(x, found)
	}
	if !signedOut(err) {
		return err
	}
	doc := sessionDocument{}
	var ended *session.EndedError
	if errors.As(err, &ended) {
		doc.Reason = ended.Reason
	}
	return sendJSON(x, http.StatusOK, doc)
}

// refreshSession refreshes the access token if it is due, or now with force=true.
func (s *Server) refreshSession(x *exchange) error {
	found, err := s.authenticate(x, session.ResolveOptions{
		Touch: true, Eager: true, Force: x.r.URL.Query().Get("force") == "true",
	})
	if err != nil {
		return s.limits.RefusedRefresh(x.r.Context(), x.client, err)
	}
	return s.sendSession(x, found)
}

func (s *Server) sendSession(x *exchange, found *session.Session) error {
	id := found.Identity()
	absolute, idle, access := found.Remaining(s.now())
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
	return sendJSON(x, http.StatusOK, doc)
}

// sendJSON answers with a document about the session: never stored, never framed
// by or leaked to another origin.
func sendJSON(x *exchange, status int, doc any) error {
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.WriteHeader(status)
	_, err = x.Write(body)
	return err
}
