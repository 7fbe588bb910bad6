package manager

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// Login checks the credentials with the provider and starts a session. Errors:
// [session.ErrNoProvider], [session.ErrInvalidCredentials], [session.ErrBusy], [session.ErrTooMany],
// [*session.UnavailableError].
func (m *Manager) Login(ctx context.Context, l session.Login) (*session.Session, error) {
	p, err := m.passwordProvider(l.Provider)
	if err != nil {
		return nil, err
	}
	asked := m.now() // isBefore the store's clock, which some lifetimes are reckoned from
	// Asked first: without the store a login fails before a password is checked.
	now, err := m.store.Now(ctx)
	if err != nil {
		return nil, m.reporter.StoreFault(err, "")
	}
	h := session.NewHandle(l.Kind)
	grant, err := p.Login(ctx, session.Credentials{
		Username: l.Username, Password: l.Password, SessionID: h.ID(), Kind: l.Kind, ClientIP: l.IP, Now: now,
	})
	if err != nil {
		return nil, m.reporter.LoginFault(p.Name(), err, l.Client)
	}
	return m.create(ctx, newSession{
		handle: h, grant: grant, device: session.NewDevice(l.DeviceName, l.UserAgent, l.IPPrefix),
		priorCookies: l.PriorCookies, asked: asked, client: l.Client,
	})
}

func (m *Manager) passwordProvider(name string) (session.PasswordProvider, error) {
	if name == "" {
		// Only an only one can be meant.
		if names := m.PasswordProviders(); len(names) == 1 {
			name = names[0]
		}
	}
	if p, ok := m.providers[name].(session.PasswordProvider); ok {
		return p, nil
	}
	return nil, session.ErrNoProvider
}

var errNoSubject = errors.New("the provider did not say who signed in: the subject is empty")

// newSession is what a session is created from.
type newSession struct {
	handle       session.Handle
	grant        session.Grant
	device       session.Device
	priorCookies []string     // whatever sessions they belong to end when the new one exists
	replaces     []session.ID // sessions noted before the browser left for the provider's page
	asked        time.Time    // when the provider was
	client       session.Client
}

// create stores a granted session and ends those the request carried.
func (m *Manager) create(ctx context.Context, n newSession) (*session.Session, error) {
	h, g := n.handle, n.grant
	replaces, owner := append(m.carriedIDs(n.priorCookies), n.replaces...), g.Identity.Owner()
	if err := m.checkCap(ctx, owner, replaces); err != nil {
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, err
	}
	if owner.Subject == "" { // whoever it is would share sessions with everybody else without a name
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, m.reporter.ProviderFault(owner.Provider, &session.FaultError{Misconfigured: true, Err: errNoSubject})
	}
	rd := readPoint{ReadPoint: m.tracker.ReadPoint(m.tracker.Track(h.ID()))}
	rec := session.Record{
		ID: h.ID(), Identity: g.Identity, Device: n.device, Tokens: g.Tokens,
		Facts: session.State{Generation: h.Generation(), BrowserClass: session.BrowserClass(n.client.UserAgent)},
	}
	ctx, cancel := task.Detach(ctx, endsTimeout) // from here on nothing is left half done
	defer cancel()
	stored, err := m.store.Create(ctx, rec,
		session.Lifetimes{Idle: m.rules.Idle, Absolute: m.absolute}, g.Schedule(m.grace).After(m.now().Sub(n.asked)))
	if err != nil {
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, m.reporter.StoreFault(err, rec.ID)
	}
	m.tracker.NoteCommit(rec.ID, stored.Facts.CommitNumber)
	m.reporter.Record(session.Event{
		Type: session.EventLogin, ID: rec.ID, Subject: g.Identity.Subject, Provider: g.Identity.Provider, Client: n.client,
	})
	for _, value := range n.priorCookies {
		if old, err := m.sealers.Open(h.Kind(), value); err == nil {
			m.insist(ctx, old.ID(), session.Replaced, func(ctx context.Context) error {
				_, err := m.End(ctx, old.ID(), session.Replaced, n.client)
				return err
			})
		}
	}
	if err := m.keepCap(ctx, owner, rec.ID, replaces, n.client); err != nil {
		return nil, err
	}
	m.announce(owner)
	rd.Now = stored.Created
	return m.snapshot(rd, h, stored), nil
}

// Sessions lists the owner's live sessions. With an [*session.UnreadableError] the list is
// good but for the sessions it names.
func (m *Manager) Sessions(ctx context.Context, o session.Owner) ([]session.Record, error) {
	list, err := m.store.List(ctx, o)
	unreadable, fault := session.SplitUnreadable(err)
	if fault != nil {
		return nil, m.reporter.StoreFault(fault, "")
	}
	for _, id := range unreadable {
		m.reporter.Record(session.Event{Type: session.EventUnsealable, ID: id, Err: err})
	}
	return list, err
}

// PasswordProviders returns the names of the providers that take a password, in the
// order of [Options.Providers].
func (m *Manager) PasswordProviders() []string { return providersThatAre[session.PasswordProvider](m) }

func providersThatAre[P session.Provider](m *Manager) (names []string) {
	for _, name := range m.order {
		if _, ok := m.providers[name].(P); ok {
			names = append(names, name)
		}
	}
	return names
}
