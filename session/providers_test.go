package session_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
)

// Providers that can do more or less, by their names.
type (
	plainProvider    string
	passwordProvider struct{ plainProvider }
	revokingProvider struct{ plainProvider }
)

func (p plainProvider) Name() string { return string(p) }
func (plainProvider) Refresh(context.Context, session.Refresh) (session.Grant, error) {
	return session.Grant{Lifetime: time.Hour}, nil
}

func (passwordProvider) Login(context.Context, session.Credentials) (session.Grant, error) {
	return session.Grant{}, session.ErrBusy
}
func (revokingProvider) Revoke(context.Context, session.Tokens) error { return nil }

// Providers keep the order of the configuration, which is that of the sign-in page.
func TestProviders(t *testing.T) {
	list := []session.Provider{passwordProvider{"zeta"}, plainProvider("alpha"), revokingProvider{"mid"}, passwordProvider{"beta"}}
	ps, err := session.NewProviders(list)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ps.All(), list) {
		t.Errorf("%v", ps.All())
	}
	for _, p := range list {
		if ps.Find(p.Name()) != p {
			t.Errorf("%s is another one", p.Name())
		}
	}
	for _, name := range []string{"", "Alpha", "alpha ", "gamma"} {
		if p := ps.Find(name); p != nil {
			t.Errorf("%q finds %s", name, p.Name())
		}
	}
	for what, c := range map[string]struct{ got, want []string }{
		"all":       {session.ProvidersThatAre[session.Provider](ps), []string{"zeta", "alpha", "mid", "beta"}},
		"passwords": {session.ProvidersThatAre[session.PasswordProvider](ps), []string{"zeta", "beta"}},
		"revokers":  {session.ProvidersThatAre[session.Revoker](ps), []string{"mid"}},
		"redirects": {session.ProvidersThatAre[session.RedirectProvider](ps), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
}

// Two of one name are refused, and the error says which.
func TestProvidersNamedTwice(t *testing.T) {
	ps, err := session.NewProviders([]session.Provider{plainProvider("a"), plainProvider("corp"), passwordProvider{"corp"}})
	if ps != nil || err == nil || !strings.Contains(err.Error(), `"corp"`) {
		t.Errorf("%v, %v", ps, err)
	}
}
