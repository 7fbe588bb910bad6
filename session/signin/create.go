package signin

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

var errNoSubject = errors.New("the provider did not say who signed in: the subject is empty")

// createTimeout bounds the creation of a session and the ends that follow it.
const createTimeout = time.Minute

// newSession is what a session is created from.
type newSession struct {
	handle       session.Handle
	grant        session.Grant
	device       session.Device
	priorCookies []string     // whatever sessions they belong to end when the new one exists
	replaces     []session.ID // sessions noted before the browser left for the provider's page
	asked        time.Time    // when the provider was
	via          string       // the path of the API whose answer it was; empty: the gateway asked
	client       session.Client
}

// create stores a granted session and ends those the request carried.
func (s *Service) create(ctx context.Context, n newSession) (*session.Session, error) {
	h, g := n.handle, n.grant
	replaces, owner := append(s.priorIDs(n.priorCookies), n.replaces...), g.Identity.Owner()
	if err := s.checkLimit(ctx, owner, replaces); err != nil {
		s.terminator.Revoke(g.Identity.Provider, g.Tokens)
		return nil, err
	}
	if owner.Subject == "" { // whoever it is would share sessions with everybody else without a name
		s.terminator.Revoke(g.Identity.Provider, g.Tokens)
		return nil, s.reporter.ProviderFault(owner.Provider, &session.FaultError{Misconfigured: true, Err: errNoSubject})
	}
	point := s.tracker.ReadPoint(s.tracker.Track(h.ID()))
	rec := session.Record{
		ID: h.ID(), Identity: g.Identity, Device: n.device, Tokens: g.Tokens,
		Facts: session.State{Generation: h.Generation(), BrowserClass: session.BrowserClass(n.client.UserAgent)},
	}
	ctx, cancel := task.Detach(ctx, createTimeout) // from here on nothing is left half done
	defer cancel()
	stored, err := s.store.Create(ctx, rec,
		s.lifetimes, g.Schedule(s.grace).After(s.now().Sub(n.asked)))
	if err != nil {
		s.terminator.Revoke(g.Identity.Provider, g.Tokens)
		return nil, s.reporter.StoreFault(err, rec.ID)
	}
	s.tracker.NoteCommit(rec.ID, stored.Facts.CommitNumber)
	s.reporter.Record(session.Event{
		Type: session.EventLogin, ID: rec.ID, Subject: g.Identity.Subject, Provider: g.Identity.Provider, Via: n.via, Client: n.client,
	})
	for _, value := range n.priorCookies {
		if old, err := s.sealers.Open(h.Kind(), value); err == nil {
			s.terminator.EndEventually(ctx, old.ID(), session.Replaced, func(ctx context.Context) error {
				_, err := s.terminator.End(ctx, old.ID(), session.Replaced, n.client)
				return err
			})
		}
	}
	if err := s.keepLimit(ctx, owner, rec.ID, replaces, n.client); err != nil {
		return nil, err
	}
	s.terminator.Announce(owner)
	return session.NewSession(point, stored.Created, h, stored, s.lifetimes.Idle), nil
}

// priorIDs names the sessions that cookie values belong to.
func (s *Service) priorIDs(values []string) []session.ID {
	var ids []session.ID
	for _, value := range values {
		if h, err := s.sealers.Open(session.Browser, value); err == nil {
			ids = append(ids, h.ID())
		}
	}
	return ids
}
