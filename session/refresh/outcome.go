package refresh

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
)

// use makes the tokens that are in force now, ours or another's, the outcome; or the end
// of the session.
func (r *run) use(ctx context.Context, stored session.Stored) step {
	if stored.Record == nil {
		return r.fail(r.terminator.Expire(ctx, r.Record.ID, stored.Reason, r.Client))
	}
	r.Look = r.With(stored)
	r.Track.Learn(stored.Record.Facts)
	return nil
}

func (r *run) fail(err error) step {
	r.err = err
	return nil
}

// keepOldToken is what a request gets when there are no new tokens: the old one while it
// is valid, else a 503 that leaves the session alone.
func (r *run) keepOldToken(fault *session.FaultError) step {
	err := r.reporter.ProviderFault(r.Record.Identity.Provider, fault)
	if r.Expired(r.now()) {
		return r.fail(err)
	}
	return nil
}

// classify sorts the provider's answer: a refusal ends the session if it concerned the
// tokens that are still in the record, and so does a grant for somebody else (OpenID
// Connect Core §12.2 requires the same sub). A fault leaves it alone.
func (r *run) classify(err error) step {
	if err != nil {
		return r.classifyError(r.judge(err))
	}
	p, rec := r.provider, r.Record
	r.worked(p)
	p.refusals.granted(tokens{rec.ID, rec.Facts.TokensHash}, r.granted, r.now())
	r.reporter.LeftOut(p.Name(), r.grant, r.Client)
	if r.grant.Identity.Owner() != rec.Identity.Owner() {
		r.record(session.EventSubjectChanged, session.ProviderRefused, nil)
		r.terminator.Revoke(rec.Identity.Provider, r.grant.Tokens)
		return r.endWith(session.ProviderRefused)
	}
	if r.grant.Tokens.Refresh == "" {
		r.grant.Tokens.Refresh = rec.Tokens.Refresh
	}
	if r.grant.Tokens.ID == "" {
		r.grant.Tokens.ID = rec.Tokens.ID
	}
	return r.commit
}

func (r *run) classifyError(err error) step {
	var refused *session.RefusedError
	if errors.As(err, &refused) {
		r.record(session.EventProviderRefused, refused.Reason, refused.Err)
		return r.endWith(refused.Reason)
	}
	var fault *session.FaultError
	if !errors.As(err, &fault) {
		fault = &session.FaultError{Err: err}
	}
	return func(ctx context.Context) step { return r.giveUp(ctx, fault) }
}

// giveUp gives the lease back, with how long to leave the session's tokens alone.
func (r *run) giveUp(ctx context.Context, fault *session.FaultError) step {
	retryIn := max(fault.RetryAfter, r.provider.pause(fault, r.now()))
	r.recovery.Drop(r.Record.ID, r.lease)
	if r.lease != "" {
		ctx, cancel := context.WithTimeout(ctx, commitTimeout)
		defer cancel()
		_, _ = r.store.Release(ctx, session.Release{
			ID: r.Record.ID, TokensHash: r.Record.Facts.TokensHash, Lease: r.lease, RetryIn: retryIn,
			OwnBackoff: fault.RetryAfter == 0 && !fault.Doubt,
		})
	}
	return r.keepOldToken(&session.FaultError{RetryAfter: retryIn, Misconfigured: fault.Misconfigured, Err: fault.Err})
}

// pause is how long to leave a session's tokens alone. A refusal in doubt is the
// session's matter: it is no outage, and is looked at again when it can be settled.
func (p *provider) pause(fault *session.FaultError, now time.Time) time.Duration {
	if fault.Doubt {
		return doubtGap
	}
	if fault.RetryAfter == 0 {
		p.restart.fail(now)
	}
	return p.backoff.failed(now)
}

// endWith ends the session, unless its tokens were replaced meanwhile.
func (r *run) endWith(why session.Reason) step {
	return func(ctx context.Context) step {
		ctx, cancel := context.WithTimeout(ctx, commitTimeout)
		defer cancel()
		r.recovery.Drop(r.Record.ID, r.lease)
		asked := r.now()
		result, err := r.store.Release(ctx, session.Release{
			ID: r.Record.ID, TokensHash: r.Record.Facts.TokensHash, Lease: r.lease, End: why,
		})
		switch {
		case err != nil:
			return r.fail(r.reporter.StoreFault(err, r.Record.ID))
		case result.State == session.LeaseSuperseded:
			return r.use(ctx, session.Stored{Record: result.Record, Now: result.Now, Asked: asked})
		}
		r.terminator.Finish(r.Record, why, r.Client)
		return r.fail(&session.EndedError{ID: r.Record.ID, Reason: result.Reason})
	}
}

func (r *run) record(t session.EventType, why session.Reason, err error) {
	r.reporter.Record(session.Event{
		Type: t, ID: r.Record.ID, Provider: r.provider.Name(), Subject: r.Record.Identity.Subject, Reason: why, Err: err, Client: r.Client,
	})
}
