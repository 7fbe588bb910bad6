package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LogoutNotifier is a provider that says on the back channel that a user has
// signed out there (OpenID Connect Back-Channel Logout 1.0).
type LogoutNotifier interface {
	// VerifyLogout checks a logout token (§2.6 steps 1 to 8). Errors:
	// [*RejectedError], [*FaultError].
	VerifyLogout(ctx context.Context, token string) (LogoutNotice, error)
}

// LogoutNotice is a genuine logout token. SID or Subject is set, or both.
type LogoutNotice struct {
	ID      string // jti
	SID     string
	Subject string
	Expires time.Time
}

// noticeMemory is how long a spent logout token is at least remembered.
const noticeMemory = 10 * time.Minute

// HandleLogoutToken ends the sessions that a logout token names: those of the
// provider's session if it names one, else all of the user's there. It returns
// how many it ended. Errors: [ErrNoProvider], [*RejectedError] (also for a token
// that was used before), [*UnavailableError]; with the last the provider may
// send the same token again.
func (m *Manager) HandleLogoutToken(ctx context.Context, provider, token string, c Client) (int, error) {
	p, ok := m.providers[provider].(LogoutNotifier)
	if !ok || m.links == nil {
		return 0, ErrNoProvider
	}
	n, err := p.VerifyLogout(ctx, token)
	if err != nil {
		var rejected *RejectedError
		if errors.As(err, &rejected) {
			return 0, rejected
		}
		return 0, m.loginFault(m.providers[provider], err, c)
	}
	jti := digest("jti", provider, n.ID)
	first, err := m.links.MarkUsed(ctx, jti, max(n.Expires.Sub(m.now())+time.Minute, noticeMemory))
	switch {
	case err != nil:
		return 0, m.storeFault(err, "")
	case !first:
		return 0, &RejectedError{Err: errors.New("the token was used before")}
	}
	ended, err := m.endNoticed(ctx, provider, n, c)
	if err != nil {
		_ = m.links.Unmark(context.WithoutCancel(ctx), jti)
		return ended, err
	}
	return ended, nil
}

func (m *Manager) endNoticed(ctx context.Context, provider string, n LogoutNotice, c Client) (ended int, err error) {
	ctx, cancel := lasting(ctx, endsTimeout)
	defer cancel()
	ids, err := m.noticed(ctx, provider, n)
	if err != nil {
		err = m.storeFault(fmt.Errorf("find sessions to end: %w", err), "")
	}
	ended, first := m.endEach(ctx, ids, BackChannelLogout, c)
	if err == nil {
		err = first
	}
	return ended, err
}

// noticed finds the sessions meant. A provider that names its session only here,
// and not in ID tokens, means those of the user's that bear no name. One that
// cannot be read bears none that we know: it ends only with all of the user's. An
// error comes with what was found all the same.
func (m *Manager) noticed(ctx context.Context, provider string, n LogoutNotice) (ids []ID, err error) {
	if n.SID != "" {
		if ids, err = m.links.TakeLinks(ctx, linkKey(provider, n.SID)); err != nil {
			return nil, err
		}
	}
	if n.Subject == "" {
		return ids, nil
	}
	list, err := m.store.List(ctx, Owner{Provider: provider, Subject: n.Subject})
	unreadable, err := splitUnreadable(err)
	if n.SID == "" {
		ids = append(ids, unreadable...)
	}
	for _, r := range list {
		if n.SID == "" || r.Identity.SID == "" {
			ids = append(ids, r.ID)
		}
	}
	return ids, err
}
