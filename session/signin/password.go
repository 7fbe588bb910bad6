package signin

import (
	"context"
	"time"

	"sessiongate/session"
	"sessiongate/session/tracker"
)

// Store is what is asked of the store: see [session.Store].
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Create(ctx context.Context, r session.Record, l session.Lifetimes, s session.Schedule) (*session.Record, error)
}

// Terminator ends sessions: package termination.
type Terminator interface {
	End(ctx context.Context, id session.ID, why session.Reason, c session.Client) (*session.Record, error)
	// EndEventually tries end again for a minute, should it fail.
	EndEventually(ctx context.Context, id session.ID, why session.Reason, end func(context.Context) error)
	// Replace ends a session that the browser of successor had before.
	Replace(ctx context.Context, id session.ID, successor session.Identity, c session.Client)
	// Supersede ends a session that the browser of successor had before, and leaves its tokens at
	// the provider alone if they are of the same owner.
	Supersede(ctx context.Context, id session.ID, successor session.Owner, c session.Client)
	// Revoke withdraws tokens at their provider, in the background.
	Revoke(provider string, t session.Tokens)
	// Announce tells pages that show the owner's sessions to look again.
	Announce(o session.Owner)
	// Sessions lists the owner's live sessions, newest first.
	Sessions(ctx context.Context, o session.Owner) ([]session.Record, error)
}

// Service begins sessions, and signs in by password. Make one with [New]; it is safe for
// concurrent use.
type Service struct {
	store      Store
	terminator Terminator
	sealers    *session.Sealers
	providers  *session.Providers
	tracker    *tracker.Tracker
	reporter   *session.Reporter
	lifetimes  session.Lifetimes
	grace      time.Duration
	perUser    session.UserLimit
	now        func() time.Time
}

// Options are what a [Service] is made of; all but PerUser are required.
type Options struct {
	Store      Store
	Terminator Terminator
	Sealers    *session.Sealers
	Providers  *session.Providers
	Tracker    *tracker.Tracker
	Reporter   *session.Reporter
	Lifetimes  session.Lifetimes
	Grace      time.Duration     // how long a retired handle is forgiven, at most
	PerUser    session.UserLimit // sessions of one owner at a time
	Now        func() time.Time
}

// New returns a service.
func New(o Options) *Service {
	return &Service{
		store: o.Store, terminator: o.Terminator, sealers: o.Sealers, providers: o.Providers, tracker: o.Tracker,
		reporter: o.Reporter, lifetimes: o.Lifetimes, grace: o.Grace, perUser: o.PerUser, now: o.Now,
	}
}

// Login checks the credentials with the provider and starts a session. Errors:
// [session.ErrNoProvider], [session.ErrInvalidCredentials], [*session.CredentialsError],
// [*session.StepRequiredError], [*session.RateLimitedError], [session.ErrBusy],
// [session.ErrTooMany], [*session.UnavailableError].
func (s *Service) Login(ctx context.Context, l session.Login) (*session.Session, error) {
	p, err := s.passwordProvider(l.Provider)
	if err != nil {
		return nil, err
	}
	asked := s.now() // before the store's clock, which some lifetimes are reckoned from
	// Asked first: without the store a login fails before a password is checked.
	now, err := s.store.Now(ctx)
	if err != nil {
		return nil, s.reporter.StoreFault(err, "")
	}
	h := session.NewHandle(l.Kind)
	grant, err := p.Login(ctx, session.Credentials{
		Username: l.Username, Password: l.Password, Extra: l.Extra, SessionID: h.ID(), Kind: l.Kind, ClientIP: l.IP, Now: now,
	})
	if err != nil {
		return nil, s.reporter.LoginFault(p.Name(), err, l.Client)
	}
	return s.create(ctx, newSession{
		handle: h, grant: grant, device: session.NewDevice(l.DeviceName, l.UserAgent, l.IPPrefix),
		priorCookies: l.PriorCookies, asked: asked, client: l.Client,
	})
}

func (s *Service) passwordProvider(name string) (session.PasswordProvider, error) {
	if name == "" {
		// Only an only one can be meant.
		if names := s.PasswordProviders(); len(names) == 1 {
			name = names[0]
		}
	}
	if p, ok := s.providers.Find(name).(session.PasswordProvider); ok {
		return p, nil
	}
	return nil, session.ErrNoProvider
}

// ExtraFields returns the names of the further fields that a sign-in at the provider takes, named
// as in [session.Login]. None for a provider that takes no password.
func (s *Service) ExtraFields(provider string) []string {
	if p, err := s.passwordProvider(provider); err == nil {
		if p, ok := p.(session.ExtraFieldsProvider); ok {
			return p.ExtraFields()
		}
	}
	return nil
}

// PasswordProviders returns the names of the providers that take a password, in the
// order of the configuration.
func (s *Service) PasswordProviders() []string {
	return session.ProvidersThatAre[session.PasswordProvider](s.providers)
}
