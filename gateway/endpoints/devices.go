package endpoints

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// devices are the owner's sessions, to list and to end.
type devices struct{ *Options }

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

	parts session.DeviceParts // what Device is made of
}

// listSessions answers with the owner's devices, newest first.
func (s *devices) listSessions(x *exchange.Exchange) error {
	_, list, unreadable, err := s.list(x)
	if err != nil {
		return err
	}
	return x.SendJSON(http.StatusOK, struct {
		Sessions   []deviceDocument `json:"sessions"`
		Unreadable int              `json:"unreadable,omitempty"` // sessions that are listed nowhere and end with all others
	}{list, unreadable})
}

// list gives the owner's sessions, and counts those that cannot be read.
func (s *devices) list(x *exchange.Exchange) (_ *session.Session, _ []deviceDocument, unreadable int, _ error) {
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	if err != nil {
		return nil, nil, 0, err
	}
	records, err := s.Terminator.OwnSessions(x.Request.Context(), found)
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
			parts:      session.PartsOf(r.Device),
		}
	}
	return found, list, unreadable, nil
}

// endSession ends one of the caller's own sessions. It never touches the cookie,
// not even for the session it came with: that is logout's.
func (s *devices) endSession(x *exchange.Exchange, id string) error {
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	if err != nil {
		return err
	}
	err = session.ErrNoSession
	if session.ValidID(id) {
		err = s.Terminator.EndOwn(x.Request.Context(), found, session.ID(id), session.RevokedByUser, x.Client)
	}
	if err != nil {
		return err
	}
	x.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// endSessions ends all of the caller's sessions, or all others.
func (s *devices) endSessions(x *exchange.Exchange) error {
	keep, err := keepCurrent(x.Request)
	if err != nil {
		return err
	}
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	if err != nil {
		return err
	}
	ended, err := s.Terminator.EndAllOwn(x.Request.Context(), found, keep, session.LogoutEverywhere, x.Client)
	if err != nil {
		return err
	}
	return x.SendJSON(http.StatusOK, struct {
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
func (s *devices) accountPage(x *exchange.Exchange) error {
	found, list, _, err := s.list(x)
	if exchange.SignedOut(err) && exchange.Navigation(x.Request) {
		return x.SeeOther(s.Responder.LoginURL(x.Request))
	}
	if err != nil {
		return err
	}
	page := s.account(x, found, list)
	page.Done = x.Request.URL.Query().Get("done")
	s.Responder.PageUnder(s.Pages.AccountCSP(), x, http.StatusOK, func(b *bytes.Buffer) error {
		return s.Responder.Edition(x.Request).Account(b, page)
	})
	return nil
}

// account is what the pages about somebody's devices show.
func (s *devices) account(x *exchange.Exchange, found *session.Session, list []deviceDocument) web.AccountPage {
	page := web.AccountPage{
		User: found.Identity().Name, Action: s.Responder.Along(x.Request, s.Site.Prefix+"/account"),
		Endpoint: s.Site.Prefix + "/sessions", Events: s.Site.Prefix + "/events",
		Logout: s.Responder.Along(x.Request, s.Site.Prefix+"/logout"), Back: s.Pages.Home(), Now: s.Now(),
	}
	for _, d := range list {
		page.Devices = append(page.Devices, web.Device{
			ID: string(d.ID), Name: d.parts.Name, Browser: d.parts.Browser, System: d.parts.System, Current: d.Current, Network: d.IPPrefix,
			Provider: cmp.Or(s.ProviderLabels[d.Provider], d.Provider), SignedIn: d.CreatedAt, LastSeen: d.LastSeenAt,
		})
	}
	return page
}
