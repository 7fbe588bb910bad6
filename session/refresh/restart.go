package refresh

import (
	"context"
	"sync"
	"time"

	"sessiongate/session"
)

// This file ends a provider's outage for everybody as soon as it is over. While the
// provider fails, each session that was refused is left alone for a while (up to
// 16 s), and so nobody would notice its return before. Therefore one refresh of each
// process is let through every [probeInterval]; the first that succeeds tells every
// process that the provider is up, which voids the back-offs guessed before. What a
// provider asked for itself (Retry-After) stands. Refreshes then restart with few at
// a time, and one more with each success (see [slots]): a provider that has just
// come back must not get all that has waited for it at once.

// probeInterval is how often one process tries a provider that fails, in spite of the
// back-off.
const probeInterval = 2 * time.Second

// maxGuess is how long a back-off can be that nobody asked for, see [backoff].
const maxGuess = 16 * time.Second

// providerHash names a provider on the feed.
func providerHash(name string) string { return session.Digest("provider", name) }

// restart is what this process knows of one provider's outage and return. It is safe
// for concurrent use.
type restart struct {
	mu     sync.Mutex
	up     time.Time // it is known to have worked then, by the store's clock
	failed time.Time // the last failure, by ours; zero: it works
	probed time.Time // the last try in spite of the back-off
}

// fail notes a failed call.
func (r *restart) fail(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = now
}

// heard notes that the provider worked at since. It reports whether that is news.
func (r *restart) heard(since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !since.After(r.up) {
		return false
	}
	r.up, r.failed = since, time.Time{}
	return true
}

// works notes a call that went well.
func (r *restart) works() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = time.Time{}
}

// voids returns up to when back-offs are void, at now by the store's clock and ours
// by our own: all of them for a probe. Zero: none is.
func (r *restart) voids(ours, now time.Time, timeout time.Duration) (since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if probeDue(r.failed, r.probed, ours, timeout) {
		r.probed = ours
		return now
	}
	if now.Sub(r.up) > maxGuess {
		return time.Time{} // those have run out by themselves
	}
	return r.up
}

// probeDue reports whether a provider that failed last at failed is to be tried, when
// it was last at probed. A try whose end was not heard of has a call's time.
func probeDue(failed, probed, now time.Time, timeout time.Duration) bool {
	switch {
	case failed.IsZero(), now.Sub(failed) < probeInterval:
		return false
	case probed.After(failed):
		return now.Sub(probed) >= max(probeInterval, timeout)
	}
	return true
}

// resume reports whether a session's back-off is void and its lease may be asked for
// again.
func (r *Refresher) resume(ctx context.Context, p *provider, id session.ID, now time.Time) bool {
	since := p.restart.voids(r.now(), now, p.timeout)
	if since.IsZero() {
		return false
	}
	void, err := r.store.ClearBackoff(ctx, id, since)
	return err == nil && void
}

// Worked notes a success of a provider, for instance at a sign-in.
func (r *Refresher) Worked(name string) {
	if p := r.providers[name]; p != nil {
		r.worked(p)
	}
}

// worked notes a success of a provider. The first after an outage is told to all.
func (r *Refresher) worked(p *provider) {
	p.restart.works()
	if !p.backoff.ok() {
		return
	}
	p.slots.restart()
	r.runner.Go(func(ctx context.Context) {
		now, err := r.store.Now(ctx)
		if err != nil {
			return // back-offs run out by themselves
		}
		p.restart.heard(now)
		_ = r.store.AnnounceProviderUp(ctx, providerHash(p.Name()), now)
	})
}

// Observe applies one message of the feed: a provider works for another process.
func (r *Refresher) Observe(c session.Change) {
	if c.Kind != session.ChangeProviderUp {
		return
	}
	for name, p := range r.providers {
		if providerHash(name) == c.Provider && p.restart.heard(c.Since) {
			p.backoff.ok()
			p.slots.restart()
		}
	}
}
