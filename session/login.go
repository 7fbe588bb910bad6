package session

import (
	"context"
	"errors"
	"time"
)

// Login is an attempt to sign in with a password.
type Login struct {
	Provider   string // empty: the only one that takes passwords
	Username   string
	Password   Secret
	DeviceName string
	IPPrefix   string
	Kind       Kind
	// PriorCookies are the cookie values the request came with. They are never
	// adopted: whatever session they belong to ends when the new one exists.
	PriorCookies []string
	Client

	replaces []ID      // sessions noted before the browser left for the provider's page
	asked    time.Time // when the provider was
}

// Login checks the credentials with the provider and starts a session. Errors:
// [ErrNoProvider], [ErrInvalidCredentials], [ErrBusy], [ErrTooMany],
// [*UnavailableError].
func (m *Manager) Login(ctx context.Context, l Login) (*Session, error) {
	p, err := m.passwordProvider(l.Provider)
	if err != nil {
		return nil, err
	}
	l.asked = m.now() // before the store's clock, which some lifetimes are reckoned from
	// Asked first: without the store a login fails before a password is checked.
	now, err := m.store.Now(ctx)
	if err != nil {
		return nil, m.storeFault(err, "")
	}
	h := NewHandle(l.Kind)
	grant, err := p.Login(ctx, Credentials{
		Username: l.Username, Password: l.Password, SessionID: h.ID(), Kind: l.Kind, ClientIP: l.IP, Now: now,
	})
	if err != nil {
		return nil, m.loginFault(p, err, l.Client)
	}
	device := Device{Name: l.DeviceName, UserAgent: clip(l.UserAgent, 256), IPPrefix: l.IPPrefix}
	return m.create(ctx, h, grant, device, l)
}

func (m *Manager) passwordProvider(name string) (PasswordProvider, error) {
	if name == "" {
		// Only an only one can be meant.
		if names := m.PasswordProviders(); len(names) == 1 {
			name = names[0]
		}
	}
	if p, ok := m.providers[name].(PasswordProvider); ok {
		return p, nil
	}
	return nil, ErrNoProvider
}

func (m *Manager) loginFault(p Provider, err error, c Client) error {
	var fault *FaultError
	switch {
	case errors.Is(err, ErrInvalidCredentials):
		m.record(Event{Type: EventLoginFailed, Provider: p.Name(), Client: c, Err: err})
		return ErrInvalidCredentials
	case errors.Is(err, ErrBusy):
		return err
	case errors.As(err, &fault):
		return m.providerFault(p.Name(), fault)
	}
	return m.providerFault(p.Name(), &FaultError{Err: err})
}

var errNoSubject = errors.New("the provider did not say who signed in: the subject is empty")

// create stores a granted session and ends those the request carried.
func (m *Manager) create(ctx context.Context, h Handle, g Grant, d Device, l Login) (*Session, error) {
	replaces, owner := append(m.carriedIDs(l.PriorCookies), l.replaces...), g.Identity.Owner()
	if err := m.checkCap(ctx, owner, replaces); err != nil {
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, err
	}
	if owner.Subject == "" { // whoever it is would share sessions with everybody else without a name
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, m.providerFault(owner.Provider, &FaultError{Misconfigured: true, Err: errNoSubject})
	}
	rd := readPoint{began: m.now(), track: m.tracks.get(h.ID()), epoch: m.epoch.Load()}
	rd.version = rd.track.version.Load()
	rec := Record{
		ID: h.ID(), Identity: g.Identity, Device: d, Tokens: g.Tokens,
		Facts: State{Generation: h.generation, BrowserClass: BrowserClass(l.UserAgent)},
	}
	ctx, cancel := lasting(ctx, endsTimeout) // from here on nothing is left half done
	defer cancel()
	stored, err := m.store.Create(ctx, rec,
		Lifetimes{Idle: m.rules.Idle, Absolute: m.absolute}, g.schedule(m.grace).After(m.now().Sub(l.asked)))
	if err != nil {
		m.revoke(g.Identity.Provider, g.Tokens)
		return nil, m.storeFault(err, rec.ID)
	}
	m.numbers.note(rec.ID, stored.Facts.CommitNumber, m.now())
	m.record(Event{
		Type: EventLogin, ID: rec.ID, Subject: g.Identity.Subject, Provider: g.Identity.Provider, Client: l.Client,
	})
	for _, value := range l.PriorCookies {
		if old, err := m.open(l.Kind, value); err == nil {
			m.insist(ctx, old.ID(), Replaced, func(ctx context.Context) error {
				_, err := m.End(ctx, old.ID(), Replaced, l.Client)
				return err
			})
		}
	}
	if err := m.keepCap(ctx, owner, rec.ID, replaces, l.Client); err != nil {
		return nil, err
	}
	m.announce(owner)
	rd.Now = stored.Created
	return m.snapshot(rd, h, stored), nil
}

// clip shortens s to at most n bytes, not through the middle of a character.
func clip(s string, n int) string {
	for len(s) > n {
		for n > 0 && s[n]&0xC0 == 0x80 {
			n--
		}
		s = s[:n]
	}
	return s
}

// List lists the owner's live sessions. With an [*UnreadableError] the list is
// good but for the sessions it names.
func (m *Manager) Sessions(ctx context.Context, o Owner) ([]Record, error) {
	list, err := m.store.List(ctx, o)
	unreadable, fault := splitUnreadable(err)
	if fault != nil {
		return nil, m.storeFault(fault, "")
	}
	for _, id := range unreadable {
		m.record(Event{Type: EventUnsealable, ID: id, Err: err})
	}
	return list, err
}

// PasswordProviders returns the names of the providers that take a password, in the
// order of [Options.Providers].
func (m *Manager) PasswordProviders() []string { return providersThatAre[PasswordProvider](m) }

func providersThatAre[P Provider](m *Manager) (names []string) {
	for _, name := range m.order {
		if _, ok := m.providers[name].(P); ok {
			names = append(names, name)
		}
	}
	return names
}
