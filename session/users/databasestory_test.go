package users_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/users"
)

// What every database is held to. The table people has ada (1), grace (2, user and admin, without a
// display name) and mallory (3, disabled).

// signInRow is a sign-in, and whose it is; empty: it is refused.
type signInRow struct{ name, password, subject string }

// checkSignIns signs in, and reads who grace is.
func checkSignIns(t *testing.T, d *users.Database, rows []signInRow) {
	t.Helper()
	for _, row := range rows {
		u, err := d.Authenticate(t.Context(), row.name, row.password)
		switch {
		case row.subject == "" && !errors.Is(err, users.ErrBadCredentials):
			t.Errorf("%q: %v, want bad credentials", row.name, err)
		case row.subject != "" && (err != nil || u.Subject != row.subject || u.Name != row.name):
			t.Errorf("%q: %+v, %v", row.name, u, err)
		}
	}
	u, err := d.Authenticate(t.Context(), "grace", "hopper-1952")
	if err != nil || !slices.Equal(u.Roles, []string{"user", "admin"}) || u.DisplayName != "" {
		t.Errorf("grace is %+v, %v", u, err)
	}
}

// checkSubjects looks up by subject, as refreshes do.
func checkSubjects(t *testing.T, d *users.Database) {
	t.Helper()
	if u, err := d.LookupSubject(t.Context(), "1"); err != nil || u.Name != "ada" || u.DisplayName != "Ada Lovelace" || u.Disabled {
		t.Errorf("subject 1 is %+v, %v", u, err)
	}
	if u, err := d.LookupSubject(t.Context(), "3"); err != nil || !u.Disabled {
		t.Errorf("subject 3 is %+v, %v: a refresh must see that it is disabled", u, err)
	}
	for _, subject := range []string{"99", "", "1\x00"} {
		if _, err := d.LookupSubject(t.Context(), subject); !errors.Is(err, users.ErrUnknown) {
			t.Errorf("subject %q: %v, want unknown", subject, err)
		}
	}
}

// checkLimits asks by a query that hangs. running counts those that the server still runs.
func checkLimits(t *testing.T, d *users.Database, running func() string) {
	t.Helper()
	if _, err := d.Authenticate(t.Context(), "ada", "lovelace-1843"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, users.ErrBadCredentials) {
		t.Errorf("a query that hangs: %v, want a fault", err)
	}
	for deadline := time.After(20 * time.Second); running() != "0"; {
		select {
		case <-deadline:
			t.Fatal("the server still runs the query that nobody waits for")
		case <-time.After(20 * time.Millisecond):
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Authenticate(ctx, "ada", "x"); !errors.Is(err, context.Canceled) || errors.Is(err, users.ErrBadCredentials) {
		t.Errorf("a caller that has gone: %v", err)
	}
}

// server is a database that can go away.
type server interface {
	Start()
	Stop()
}

// checkOutage stops the server and starts it again. refused is what became of an account with another
// password. No fault has one of the secrets in it.
func checkOutage(t *testing.T, s server, d *users.Database, refused error, secrets ...string) {
	t.Helper()
	if err := d.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	_, down := d.Authenticate(t.Context(), "ada", "lovelace-1843")
	_, gone := d.LookupSubject(t.Context(), "1")
	for what, err := range map[string]error{"wrong account": refused, "sign-in": down, "lookup": gone, "probe": d.Probe(t.Context())} {
		if err == nil || errors.Is(err, users.ErrBadCredentials) || errors.Is(err, users.ErrUnknown) {
			t.Errorf("%s: %v, want a fault", what, err)
			continue
		}
		for _, secret := range secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error %q holds %q", what, err, secret)
			}
		}
	}
	s.Start()
	if u, err := d.Authenticate(t.Context(), "ada", "lovelace-1843"); err != nil || u.Subject != "1" {
		t.Errorf("after the outage: %+v, %v", u, err)
	}
}
