package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/local"
	"sessiongate/session/token"
	"sessiongate/session/users"
)

// directory is a list of users that a test can change under a live session.
type directory struct {
	user users.User
	err  error
}

func (d *directory) Authenticate(context.Context, string, string) (users.User, error) {
	return d.user, d.err
}

func (d *directory) LookupSubject(context.Context, string) (users.User, error) { return d.user, d.err }

// newProvider returns a provider over d and a verifier of what it mints.
func newProvider(t *testing.T, d *directory, now func() time.Time, edit ...func(*local.Options)) (*local.Provider, *token.Verifier) {
	t.Helper()
	pem, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParseSigningKey("k1", pem)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing([]token.SigningKey{key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	minter, err := token.NewMinter("https://app.example.com", ring)
	if err != nil {
		t.Fatal(err)
	}
	o := local.Options{
		Name: "local", Users: d, Minter: minter, Audience: []string{"api"}, Lifetime: 10 * time.Minute,
		ClientID: "sessiongate", TokenClientID: "sessiongate-explicit",
	}
	for _, f := range edit {
		f(&o)
	}
	p, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierOptions{
		Keys: ring, Issuer: "https://app.example.com", Audience: []string{"api"}, Leeway: -1, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, v
}

func TestMintedTokens(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := &directory{user: users.User{Name: "ada", Subject: "u1", DisplayName: "Ada", Roles: []string{"user"}, Scopes: []string{"a:b"}}}
	p, verifier := newProvider(t, d, func() time.Time { return now })
	for kind, client := range map[session.Kind]string{session.Browser: "sessiongate", session.TokenClient: "sessiongate-explicit"} {
		g, err := p.Login(t.Context(), session.Credentials{Username: "ada", SessionID: "sid", Kind: kind, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		c, err := verifier.Verify(t.Context(), g.Tokens.Access.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if c.ClientID != client || c.Subject != "u1" || c.SessionID != "sid" || c.ID == "" || !c.AuthTime.Equal(now) {
			t.Errorf("claims %+v", c.Claims)
		}
		if g.Lifetime != 10*time.Minute || !c.ExpiresAt.Equal(now.Add(g.Lifetime)) {
			t.Errorf("lifetime %v, expires %v", g.Lifetime, c.ExpiresAt)
		}
		if g.Identity.Owner() != (session.Owner{Provider: "local", Subject: "u1"}) || g.Identity.Name != "Ada" {
			t.Errorf("identity %+v", g.Identity)
		}
	}
}

// TestRefreshSeesTheUserOfToday: roles of now, the sign-in of then, and no token
// that outlives its session.
func TestRefreshSeesTheUserOfToday(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := &directory{user: users.User{Name: "ada", Subject: "u1", Roles: []string{"admin"}}}
	p, verifier := newProvider(t, d, func() time.Time { return now })
	signedIn := now.Add(-time.Hour)
	g, err := p.Refresh(t.Context(), session.Refresh{
		SessionID: "sid", Now: now, Absolute: now.Add(time.Minute),
		Identity: session.Identity{Subject: "u1", Provider: "local", Roles: []string{"user"}, AuthTime: signedIn},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := verifier.Verify(t.Context(), g.Tokens.Access.Reveal())
	if err != nil || len(c.Roles) != 1 || c.Roles[0] != "admin" || !c.AuthTime.Equal(signedIn) || !c.ExpiresAt.Equal(now.Add(time.Minute)) {
		t.Errorf("claims %+v, %v", c.Claims, err)
	}
}

func TestAnswers(t *testing.T) {
	now := time.Now()
	down := errors.New("disk on fire")
	for name, c := range map[string]struct {
		d     directory
		login func(error) bool
		again func(error) bool
	}{
		"disabled": {directory{user: users.User{Subject: "u1", Disabled: true}}, nil, refused},
		"removed":  {directory{err: users.ErrUnknown}, nil, refused},
		"wrong":    {directory{err: users.ErrBadCredentials}, func(err error) bool { return errors.Is(err, session.ErrInvalidCredentials) }, nil},
		"busy":     {directory{err: users.ErrBusy}, func(err error) bool { return errors.Is(err, session.ErrBusy) }, fault},
		"down":     {directory{err: down}, fault, fault},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newProvider(t, &c.d, nil)
			_, err := p.Login(t.Context(), session.Credentials{Now: now})
			if c.login != nil && !c.login(err) {
				t.Errorf("login: %v", err)
			}
			_, err = p.Refresh(t.Context(), session.Refresh{Now: now, Absolute: now.Add(time.Hour)})
			if c.again != nil && !c.again(err) {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}

// TestUserClaims: a user's own claims are in the token and in the identity; those that no JSON can
// hold are the operator's fault and no refusal.
func TestUserClaims(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := &directory{user: users.User{Name: "ada", Subject: "u1", Claims: map[string]any{"team": "engines"}}}
	p, verifier := newProvider(t, d, func() time.Time { return now })
	g, err := p.Login(t.Context(), session.Credentials{Username: "ada", SessionID: "sid", Now: now})
	if err != nil || string(g.Identity.Claims) != `{"team":"engines"}` {
		t.Fatalf("%s, %v", g.Identity.Claims, err)
	}
	c, err := verifier.Verify(t.Context(), g.Tokens.Access.Reveal())
	if err != nil || c.Extra["team"] != "engines" {
		t.Errorf("%v, %v", c.Extra, err)
	}
	d.user.Claims["broken"] = func() {}
	_, err = p.Login(t.Context(), session.Credentials{Username: "ada", SessionID: "sid", Now: now})
	var f *session.FaultError
	if !errors.As(err, &f) || !f.Misconfigured {
		t.Errorf("claims that cannot be written: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := local.Options{
		Name: "local", Users: &directory{}, Minter: new(token.Minter), Audience: []string{"api"},
		Lifetime: time.Minute, ClientID: "browser", TokenClientID: "app",
	}
	for what, edit := range map[string]func(*local.Options){
		"no users":         func(o *local.Options) { o.Users = nil },
		"a short lifetime": func(o *local.Options) { o.Lifetime = time.Millisecond },
		"one client id":    func(o *local.Options) { o.TokenClientID = o.ClientID },
	} {
		o := good
		edit(&o)
		if _, err := local.New(o); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
	if p, err := local.New(good); err != nil || p.Name() != "local" {
		t.Errorf("%v, %v", p, err)
	}
}

func refused(err error) bool {
	var r *session.RefusedError
	return errors.As(err, &r) && r.Reason == session.UserDisabled
}

func fault(err error) bool {
	var f *session.FaultError
	return errors.As(err, &f)
}

// TestPasswordChange: what a session remembers of the password decides at its refresh, if both times
// are known.
func TestPasswordChange(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, tt := range map[string]struct {
		before, now string
		keep        bool
		want        session.Reason
		kept        string
	}{
		"the same":                        {before: "h1", now: "h1", kept: "h1"},
		"another":                         {before: "h1", now: "h2", want: session.PasswordChanged},
		"another, and it may":             {before: "h1", now: "h2", keep: true},
		"a session from before":           {now: "h1", kept: "h1"},
		"a source that cannot say today":  {before: "h1", kept: "h1"},
		"a source that can never say":     {},
		"a column instead of the hash":    {before: "h1", now: "c1", kept: "c1"},
		"remembered before keep was said": {before: "h1", now: "h1", keep: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := &directory{user: users.User{Name: "ada", Subject: "u1", Credential: tt.before}}
			p, _ := newProvider(t, d, func() time.Time { return now }, func(o *local.Options) { o.KeepOnPasswordChange = tt.keep })
			signedIn, err := p.Login(t.Context(), session.Credentials{Username: "ada", SessionID: "sid", Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if kept := signedIn.Tokens.Keep["credential"]; !tt.keep && kept != tt.before {
				t.Errorf("the sign-in remembers %q", kept)
			}
			d.user.Credential = tt.now
			for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
				r := session.Refresh{SessionID: "sid", Kind: kind, Now: now, Absolute: now.Add(time.Hour), Identity: signedIn.Identity}
				if r.Tokens = signedIn.Tokens; tt.keep {
					r.Tokens.Keep = session.Kept{"credential": tt.before}
				}
				g, err := p.Refresh(t.Context(), r)
				var no *session.RefusedError
				if errors.As(err, &no) != (tt.want != "") || no != nil && no.Reason != tt.want {
					t.Fatalf("%v: %v, want %q", kind, err, tt.want)
				}
				if kept := g.Tokens.Keep["credential"]; err == nil && kept != tt.kept {
					t.Errorf("%v: remembers %q, want %q", kind, kept, tt.kept)
				}
			}
		})
	}
	d := &directory{err: errors.New("the database is away")}
	p, _ := newProvider(t, d, nil)
	r := session.Refresh{Now: now, Absolute: now.Add(time.Hour), Tokens: session.Tokens{Keep: session.Kept{"credential": "h1"}}}
	if _, err := p.Refresh(t.Context(), r); !fault(err) {
		t.Errorf("a source that is away: %v", err)
	}
}
