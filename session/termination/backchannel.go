package termination

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// minUsedTTL is how long a spent logout token is at least remembered.
const minUsedTTL = 10 * time.Minute

// HandleLogoutToken ends the sessions that a logout token names: those of the
// provider's session if it names one, else all of the user's there. It returns
// how many it ended. Errors: [session.ErrNoProvider], [*session.RejectedError] (also for a token
// that was used before), [*session.UnavailableError]; with the last the provider may
// send the same token again.
func (t *Terminator) HandleLogoutToken(ctx context.Context, provider, token string, c session.Client) (int, error) {
	p, ok := t.providers.Find(provider).(session.LogoutNotifier)
	if !ok || t.links == nil {
		return 0, session.ErrNoProvider
	}
	n, err := p.VerifyLogout(ctx, token)
	if err != nil {
		var rejected *session.RejectedError
		if errors.As(err, &rejected) {
			return 0, rejected
		}
		return 0, t.reporter.LoginFault(provider, err, c)
	}
	jti := session.Digest("jti", provider, n.ID)
	first, err := t.links.MarkUsed(ctx, jti, max(n.Expires.Sub(t.now())+time.Minute, minUsedTTL))
	switch {
	case err != nil:
		return 0, t.reporter.StoreFault(err, "")
	case !first:
		return 0, &session.RejectedError{Err: errors.New("the token was used before")}
	}
	ended, err := t.endNoticed(ctx, provider, n, c)
	if err != nil {
		_ = t.links.Unmark(context.WithoutCancel(ctx), jti)
		return ended, err
	}
	return ended, nil
}

func (t *Terminator) endNoticed(ctx context.Context, provider string, n session.LogoutNotice, c session.Client) (ended int, err error) {
	ctx, cancel := task.Detach(ctx, endAllTimeout)
	defer cancel()
	ids, err := t.noticed(ctx, provider, n)
	if err != nil {
		err = t.reporter.StoreFault(fmt.Errorf("find sessions to end: %w", err), "")
	}
	ended, first := t.endEach(ctx, ids, session.BackChannelLogout, c)
	if err == nil {
		err = first
	}
	return ended, err
}

// noticed finds the sessions meant. A provider that names its session only here,
// and not in ID tokens, means those of the user's that bear no name. One that
// cannot be read bears none that we know: it ends only with all of the user's. An
// error comes with what was found all the same.
func (t *Terminator) noticed(ctx context.Context, provider string, n session.LogoutNotice) (ids []session.ID, err error) {
	if n.SID != "" {
		if ids, err = t.links.TakeLinks(ctx, session.ProviderSessionKey(provider, n.SID)); err != nil {
			return nil, err
		}
	}
	if n.Subject == "" {
		return ids, nil
	}
	list, err := t.store.List(ctx, session.Owner{Provider: provider, Subject: n.Subject})
	unreadable, err := session.SplitUnreadable(err)
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
