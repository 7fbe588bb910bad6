package gateway

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// deviceDocument is one entry of the owner's devices. The id names the session
// and cannot be presented.
type deviceDocument struct {
	ID         session.ID `json:"id"`
	Current    bool       `json:"current"`
	CreatedAt  time.Time  `json:"created_at"`
	LastSeenAt time.Time  `json:"last_seen_at"`
	Device     string     `json:"device"`
	IPPrefix   string     `json:"ip_prefix"`
	Provider   string     `json:"provider"`
}

// listSessions answers with the owner's devices, newest first.
func (s *Server) listSessions(x *exchange) error {
	_, list, unreadable, err := s.devices(x)
	if err != nil {
		return err
	}
	return sendJSON(x, http.StatusOK, struct {
		Sessions   []deviceDocument `json:"sessions"`
		Unreadable int              `json:"unreadable,omitempty"` // sessions that are listed nowhere and end with all others
	}{list, unreadable})
}

// devices lists the owner's sessions, and counts those that cannot be read.
func (s *Server) devices(x *exchange) (_ *session.Session, _ []deviceDocument, unreadable int, _ error) {
	found, err := s.authenticate(x, session.ResolveOptions{Touch: true})
	if err != nil {
		return nil, nil, 0, err
	}
	records, err := s.manager.OwnSessions(x.r.Context(), found)
	var lost *session.UnreadableError
	switch {
	case errors.As(err, &lost):
		unreadable = len(lost.IDs)
	case err != nil:
		return nil, nil, 0, err
	}
	list := make([]deviceDocument, len(records))
	for i, r := range records {
		list[i] = deviceDocument{
			ID: r.ID, Current: r.ID == found.ID(), Device: session.DeviceName(r.Device), IPPrefix: r.Device.IPPrefix,
			CreatedAt:  r.Created.UTC().Truncate(time.Second),
			LastSeenAt: r.Facts.LastSeen.UTC().Truncate(time.Second),
			Provider:   r.Identity.Provider,
		}
	}
	return found, list, unreadable, nil
}

// endSession ends one of the caller's own sessions. It never touches the cookie,
// not even for the session it came with: that is logout's.
func (s *Server) endSession(x *exchange, id string) error {
	found, err := s.authenticate(x, session.ResolveOptions{Touch: true})
	if err != nil {
		return err
	}
	err = session.ErrNoSession
	if session.ValidID(id) {
		err = s.manager.EndOwn(x.r.Context(), found, session.ID(id), session.RevokedByUser, x.client)
	}
	if err != nil {
		return err
	}
	x.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// endSessions ends all of the caller's sessions, or all others.
func (s *Server) endSessions(x *exchange) error {
	keep, err := keepCurrent(x.r)
	if err != nil {
		return err
	}
	found, err := s.authenticate(x, session.ResolveOptions{Touch: true})
	if err != nil {
		return err
	}
	ended, err := s.manager.EndAllOwn(x.r.Context(), found, keep, session.LogoutEverywhere, x.client)
	if err != nil {
		return err
	}
	return sendJSON(x, http.StatusOK, struct {
		Ended int `json:"ended"`
	}{ended})
}

// keepCurrent reads the query strictly: a misspelt keep must not sign out here.
func keepCurrent(r *http.Request) (bool, error) {
	q := r.URL.Query()
	switch keep := q["keep"]; {
	case len(q) == 0 && r.URL.RawQuery == "":
		return false, nil
	case len(q) == 1 && len(keep) == 1 && keep[0] == "current":
		return true, nil
	}
	return false, problem.BadRequest("Ask with ?keep=current to end all other sessions, or with no query to end all.", nil)
}

// accountPage shows the devices to a person.
func (s *Server) accountPage(x *exchange) error {
	found, list, _, err := s.devices(x)
	if signedOut(err) && navigation(x.r) {
		return seeOther(x, s.loginURL(x.r))
	}
	if err != nil {
		return err
	}
	page := web.AccountPage{
		User: found.Identity().Name, Endpoint: s.prefix + "/sessions", Events: s.prefix + "/events",
		Logout: s.prefix + "/logout", Back: web.Link{Label: "Back to the app", Href: "/"},
	}
	for _, d := range list {
		page.Devices = append(page.Devices, web.Device{
			ID: string(d.ID), Name: d.Device, Current: d.Current, Network: d.IPPrefix,
			SignedIn: d.CreatedAt, LastSeen: d.LastSeenAt,
		})
	}
	var body bytes.Buffer
	if err := s.pages.Account(&body, page); err != nil {
		return err
	}
	pageHeaders(x.Header(), s.pages.AccountCSP())
	s.sendPage(x, http.StatusOK, body.Bytes())
	return nil
}
