package manager

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// This file makes one refresh per session, however many requests, tabs and
// replicas want one. Every request was judged on its own handle before it gets
// here (resolve.go); only requests that presented exactly the same share a
// flight, so a retired handle never gets a successor by joining the owner's.

// localTimeout bounds a refresh by a provider that does not call out.
const localTimeout = 5 * time.Second

// refresh returns the session with fresh tokens. The flight goes on when the
// browser that began it goes away; each waiter may leave on its own context.
func (m *Manager) refresh(ctx context.Context, rd readPoint, h session.Handle, v session.Presentation) (*session.Session, error) {
	v.Touch = false // the read has touched; it changes nothing from here on
	fresh, err := m.flyOut(ctx, rd, v)
	if err == nil && m.expired(fresh) && !rd.early {
		fresh.Verdict.Rotate, fresh.Verdict.Forced = false, false // it has rotated, if it was to
		fresh, err = m.flyOut(ctx, fresh, v)
	}
	if err == nil && m.expired(fresh) {
		err = m.reporter.ProviderFault(fresh.Record.Identity.Provider, &session.FaultError{Err: errStillborn})
	}
	if err != nil {
		return nil, err
	}
	s := m.snapshot(fresh, h, fresh.Record)
	if e := s.Track().Ended(); e != nil {
		return nil, e
	}
	return s, nil
}

// errStillborn ends the second refresh in a row whose token had expired when it
// was stored: the provider takes longer to answer than its tokens live.
var errStillborn = errors.New("the new access token had expired when it arrived")

// expired reports whether a reading's access token has.
func (m *Manager) expired(rd readPoint) bool {
	return !rd.Now.Add(m.now().Sub(rd.Began)).Before(rd.Record.Expires)
}

// flyOut is fly, and again if the flight was one for which nobody waited.
func (m *Manager) flyOut(ctx context.Context, rd readPoint, v session.Presentation) (readPoint, error) {
	fresh, err := m.join(ctx, rd, v)
	for errors.Is(err, errGaveWay) && !rd.early {
		fresh, err = m.join(ctx, rd, v)
	}
	return fresh, err
}

// join begins a flight or joins the one under way.
func (m *Manager) join(ctx context.Context, rd readPoint, v session.Presentation) (readPoint, error) {
	fresh, err := m.flights.Start(ctx, flightKey(v), func() (_ readPoint, err error) {
		defer m.runner.Begin()() // a stop waits for what the provider gave to be stored
		defer recovered(&err)    // one broken answer must not take the others down
		if v.Kind == session.TokenClient {
			task.Sleep(m.runner.Context(), gather) // see explicit.go
		}
		return m.renew(context.WithoutCancel(ctx), rd, v)
	})
	if err != nil {
		return readPoint{}, err
	}
	// Whoever began it may have been in no hurry; we go on as what we are.
	fresh.early, fresh.client = rd.early, rd.client
	return fresh, nil
}

// renewInBackground refreshes a soft-due token while its request goes on with
// the old one. It never moves the idle deadline.
//
// It starts from the reading that s was made of. A copy has none (nil), since it
// holds no refresh token, and the session is read again. Where the provider has
// enough to do with refreshes that requests wait for, it is left for later.
func (m *Manager) renewInBackground(s *session.Session, rd *readPoint, c session.Client) {
	if s.Handle().Generation() != s.Generation() || m.slots[s.Identity().Provider].busy() || !s.ClaimRefresh() {
		return
	}
	v := session.Presentation{ID: s.ID(), Kind: s.Handle().Kind(), Generation: s.Handle().Generation(), BrowserClass: session.BrowserClass(c.UserAgent)}
	m.runner.Go(func(ctx context.Context) {
		from := rd
		if from == nil {
			from = m.reread(ctx, s, c)
		}
		if from == nil {
			return
		}
		from.early = true
		from.Verdict.Rotate = true // the commit still wants two graces since the last
		if _, err := m.refresh(ctx, *from, s.Handle(), v); errors.Is(err, errGaveWay) {
			s.YieldRefresh()
		}
	})
}

// reread reads the record of a soft-due copy for a refresh, or returns nil if it
// needs none any more.
func (m *Manager) reread(ctx context.Context, s *session.Session, c session.Client) *readPoint {
	rd := readPoint{ReadPoint: m.tracker.ReadPoint(s.Track()), client: c}
	turn, err := m.get(ctx, s.ID())
	if err != nil || turn.Record == nil || turn.Record.Facts.TokensHash != s.TokensHash() {
		// Over, or fresh already. After a fault the request that finds the token
		// hard-due will say so.
		return nil
	}
	rd.Record, rd.Now = turn.Record, turn.Now
	return &rd
}

// get reads a session without judging a handle. One that the store has forgotten
// is not over: an error says so.
func (m *Manager) get(ctx context.Context, id session.ID) (found, error) {
	asked, number := m.now(), m.tracker.ExpectedCommit(id)
	stored, err := m.store.Get(ctx, id)
	if err == nil && number > 0 && stored.Record == nil && stored.Reason == "" {
		return found{}, m.reporter.StoreForgot(id)
	}
	return found{stored, asked}, err
}

// renew spends the record's tokens at its provider and commits the new ones.
func (m *Manager) renew(ctx context.Context, rd readPoint, v session.Presentation) (readPoint, error) {
	p := m.providers[rd.Record.Identity.Provider]
	if p == nil {
		fault := &session.FaultError{Misconfigured: true, Err: errors.New("the session's provider is not configured any more")}
		return m.oldTokenOr(rd, rd.Record.Identity.Provider, fault)
	}
	caller, ok := p.(session.RemoteProvider)
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, localTimeout)
		defer cancel()
		return m.call(ctx, p, rd, v, "")
	}
	return m.renewLeased(ctx, p, caller.Timeout(), rd, v)
}

// A lease outlives the provider's call. The commit after it is tried again while
// the store is away, longer than the lease may last: whoever finds a lease that
// ran out waits a moment more, in which a holder that was only cut off gets its
// commit through (redisstore/lua/acquire.lua). So an outage spends no token twice,
// and a process that was killed is not waited for long.
const (
	commitBudget = 30 * time.Second
	leaseSlack   = 5 * time.Second
)

// renewLeased takes a place at the provider and the session's lease first, or waits
// for whoever holds it, about as long as one call may take.
func (m *Manager) renewLeased(ctx context.Context, p session.Provider, timeout time.Duration, rd readPoint, v session.Presentation) (readPoint, error) {
	ttl := timeout + leaseSlack
	waiting, cancel := context.WithTimeout(ctx, timeout+leaseSlack)
	defer cancel()
	restored, stop := context.WithTimeout(waiting, restoreLimit)
	defer stop()
	lease, resumed := rand.Text(), false
	for poll := 50 * time.Millisecond; ; poll = min(2*poll, 500*time.Millisecond) {
		place, turn, err := m.queue(waiting, p, timeout, rd)
		changed := rd.Track.Changed()
		if place != nil {
			turn, err = m.begin(ctx, rd, place, lease, ttl)
		}
		var fault *session.FaultError
		switch {
		case errors.As(err, &fault):
			return m.oldTokenOr(rd, p.Name(), fault)
		case err != nil:
			return rd, err
		}
		if m.forgot(turn, rd.Record) {
			if !m.expired(rd) {
				m.reporter.Record(session.Event{Type: session.EventStoreForgot, ID: v.ID})
				return rd, nil
			}
			if !task.Wait(restored, changed, poll) {
				return rd, m.reporter.StoreForgot(v.ID)
			}
			continue
		}
		switch turn.State {
		case session.LeaseSessionEnded:
			return rd, m.expire(ctx, v.ID, turn.Reason, rd.client)
		case session.LeaseSuperseded:
			return m.use(rd, turn.Record, turn.Now, turn.asked), nil
		case session.LeaseBackoff:
			if !resumed && m.resume(ctx, p, timeout, rd, turn.Now) {
				resumed = true // once: whoever fails again waits again
				continue
			}
			return m.oldTokenOr(rd, p.Name(), &session.FaultError{RetryAfter: turn.Wait, Err: errBackoff})
		case session.LeaseAcquired:
			return m.spendLeased(ctx, admitted{p, place}, timeout, ttl, rd, v, lease)
		case session.LeaseHeld:
			if !task.Wait(waiting, changed, min(poll, turn.Wait+10*time.Millisecond)) {
				return m.oldTokenOr(rd, p.Name(), &session.FaultError{Err: waiting.Err()})
			}
		}
	}
}

// begin asks for the lease. Without it the place is for others.
func (m *Manager) begin(ctx context.Context, rd readPoint, place *slot, lease string, ttl time.Duration) (answered, error) {
	asked := m.now()
	result, err := m.store.Acquire(ctx, rd.Record.ID, rd.Record.Facts.TokensHash, m.newestNumber(rd.Record), lease, ttl)
	turn := answered{result, asked}
	if err != nil || turn.State != session.LeaseAcquired {
		place.release()
	}
	if err != nil {
		return turn, m.reporter.StoreFault(err, rd.Record.ID)
	}
	return turn, nil
}

var errBackoff = errors.New("the provider failed a moment ago")

// spendLeased calls the provider while the lease is kept alive.
func (m *Manager) spendLeased(ctx context.Context, p session.Provider, timeout, ttl time.Duration, rd readPoint, v session.Presentation, lease string) (readPoint, error) {
	m.leases.hold(v.ID, heldLease{lease: lease, stamp: rd.Record.Facts.TokensHash, ttl: ttl})
	defer m.leases.release(v.ID, lease)
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for task.Sleep(keeping, ttl/3) {
			if held, err := m.extend(keeping, v.ID, lease, ttl); err == nil && !held {
				return
			}
		}
	}()
	call, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return m.call(call, p, rd, v, lease)
}

// call makes the one call and settles its outcome. The commit gets a context
// of its own: the provider may have rotated, and what it gave must not be lost.
func (m *Manager) call(ctx context.Context, p session.Provider, rd readPoint, v session.Presentation, lease string) (readPoint, error) {
	rec, asked := rd.Record, m.now()
	grant, err := ask(ctx, p, session.Refresh{
		SessionID: rec.ID, Kind: v.Kind, Identity: rec.Identity, Tokens: rec.Tokens,
		Now: rd.Now.Add(asked.Sub(rd.Began)), Expires: rec.Expires, Absolute: rec.Facts.Absolute,
		ClientIP: rd.client.IP,
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitBudget)
	defer cancel()
	if err != nil {
		return m.classify(ctx, p, rd, lease, err)
	}
	m.worked(p)
	m.refusals[p.Name()].granted(spent{rec.ID, rec.Facts.TokensHash}, asked, m.now())
	m.reporter.LeftOut(p.Name(), grant, rd.client)
	if grant.Identity.Owner() != rec.Identity.Owner() {
		return m.subjectChanged(ctx, rd, lease, grant)
	}
	if grant.Tokens.Refresh == "" {
		grant.Tokens.Refresh = rec.Tokens.Refresh
	}
	if grant.Tokens.ID == "" {
		grant.Tokens.ID = rec.Tokens.ID
	}
	return m.commit(ctx, rd, v, lease, grant, asked)
}

// ask makes the call. A provider that panics counts as one out of order, so that
// its session's lease is given back like any other.
func ask(ctx context.Context, p session.Provider, r session.Refresh) (g session.Grant, err error) {
	defer recovered(&err)
	return p.Refresh(ctx, r)
}

// commit stores the grant, trying again while the store is out of reach. Meanwhile
// the token ages: each try says what is left of it since its provider was asked.
func (m *Manager) commit(ctx context.Context, rd readPoint, v session.Presentation, lease string, g session.Grant, asked time.Time) (readPoint, error) {
	v.Force = rd.Verdict.Forced // as it took effect, not as it was asked for
	c := session.Commit{
		Presentation: v, FromTokens: rd.Record.Facts.TokensHash, Base: rd.Record.Facts, Lease: lease, Rotate: rd.Verdict.Rotate,
		Identity: g.Identity, Tokens: g.Tokens, Device: rd.Record.Device, Created: rd.Record.Created,
	}
	plan, began := g.Schedule(m.grace), time.Time{}
	try := func() (session.Committed, error) {
		began = m.now()
		c.Schedule = plan.After(began.Sub(asked))
		return m.store.Commit(ctx, c)
	}
	done, err := try()
	for pause := 100 * time.Millisecond; err != nil && lease != "" && task.Sleep(ctx, pause); pause = min(2*pause, 200*time.Millisecond) {
		done, err = try()
	}
	switch {
	case err != nil:
		return rd, m.reporter.StoreFault(err, v.ID)
	case done.Record == nil:
		m.revoke(g.Identity.Provider, g.Tokens) // a logout overtook us: nobody may keep these
		return rd, m.expire(ctx, v.ID, done.Reason, rd.client)
	case done.Stored:
		m.committed(done, rd.client)
	}
	return m.use(rd, done.Record, done.Now, began), nil
}

// committed records a refresh and voids this process's own copies at once; the
// others hear of it by the feed.
func (m *Manager) committed(done session.Committed, c session.Client) {
	rec := done.Record
	m.tracker.NoteCommit(rec.ID, rec.Facts.CommitNumber)
	e := session.Event{
		Type: session.EventRefreshed, ID: rec.ID, Subject: rec.Identity.Subject, Provider: rec.Identity.Provider, Client: c,
	}
	m.reporter.Record(e)
	if done.Rotated {
		e.Type = session.EventRotated
		m.reporter.Record(e)
	}
	m.tracker.Advance(rec.ID, rec.Facts.Generation)
}

// use makes a reading of tokens that are in force now, ours or another's, of
// which the store was asked at began.
func (m *Manager) use(rd readPoint, rec *session.Record, now, began time.Time) readPoint {
	rd.Record, rd.Now, rd.Began = rec, now, began
	rd.Track = m.tracker.Track(rec.ID)
	rd.Version = rd.Track.Version()
	return rd
}

// classify sorts a failed call: a refusal ends the session if it concerned
// the tokens that are still in the record; everything else leaves it alone.
func (m *Manager) classify(ctx context.Context, p session.Provider, rd readPoint, lease string, err error) (readPoint, error) {
	err = m.rule(p, rd, err)
	var refused *session.RefusedError
	if errors.As(err, &refused) {
		m.reporter.Record(session.Event{
			Type: session.EventProviderRefused, ID: rd.Record.ID, Provider: p.Name(),
			Subject: rd.Record.Identity.Subject, Reason: refused.Reason, Err: refused.Err, Client: rd.client,
		})
		return m.endUnlessReplaced(ctx, rd, lease, refused.Reason)
	}
	var fault *session.FaultError
	if !errors.As(err, &fault) {
		fault = &session.FaultError{Err: err}
	}
	m.leases.release(rd.Record.ID, lease)
	retryIn := max(fault.RetryAfter, m.pause(p, fault))
	if lease != "" {
		_, _ = m.store.Release(ctx, session.Release{
			ID: rd.Record.ID, TokensHash: rd.Record.Facts.TokensHash, Lease: lease, RetryIn: retryIn,
			OwnBackoff: fault.RetryAfter == 0 && !fault.Doubt,
		})
	}
	return m.oldTokenOr(rd, p.Name(), &session.FaultError{RetryAfter: retryIn, Misconfigured: fault.Misconfigured, Err: fault.Err})
}

// pause is how long to leave a session's tokens alone. A refusal in doubt is the
// session's matter: it is no outage, and is looked at again when it can be settled.
func (m *Manager) pause(p session.Provider, fault *session.FaultError) time.Duration {
	if fault.Doubt {
		return doubtGap
	}
	if fault.RetryAfter == 0 {
		m.restarts[p.Name()].fail(m.now())
	}
	return m.backoff[p.Name()].failed(m.now())
}

func (m *Manager) endUnlessReplaced(ctx context.Context, rd readPoint, lease string, why session.Reason) (readPoint, error) {
	m.leases.release(rd.Record.ID, lease)
	began := m.now()
	turn, err := m.store.Release(ctx, session.Release{
		ID: rd.Record.ID, TokensHash: rd.Record.Facts.TokensHash, Lease: lease, End: why,
	})
	switch {
	case err != nil:
		return rd, m.reporter.StoreFault(err, rd.Record.ID)
	case turn.State == session.LeaseSuperseded:
		return m.use(rd, turn.Record, turn.Now, began), nil
	}
	m.ended(rd.Record, why, rd.client)
	return rd, &session.EndedError{ID: rd.Record.ID, Reason: turn.Reason}
}

// subjectChanged handles a refresh that answered for somebody else (OIDC Core
// §12.2 requires the same sub): the session ends and the new tokens are dropped.
func (m *Manager) subjectChanged(ctx context.Context, rd readPoint, lease string, g session.Grant) (readPoint, error) {
	m.reporter.Record(session.Event{
		Type: session.EventSubjectChanged, ID: rd.Record.ID, Provider: rd.Record.Identity.Provider,
		Subject: rd.Record.Identity.Subject, Reason: session.ProviderRefused, Client: rd.client,
	})
	m.revoke(rd.Record.Identity.Provider, g.Tokens)
	return m.endUnlessReplaced(ctx, rd, lease, session.ProviderRefused)
}

// oldTokenOr is what a request gets when there are no new tokens: the old one
// while it is valid, else a 503 that leaves the session alone.
func (m *Manager) oldTokenOr(rd readPoint, provider string, fault *session.FaultError) (readPoint, error) {
	err := m.reporter.ProviderFault(provider, fault)
	if m.expired(rd) {
		return rd, err
	}
	return rd, nil
}

// recovered turns a panic of a provider into a fault: one broken answer must
// not take the process, and every other session in it, down.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &session.UnavailableError{
			Subsystem: session.SubsystemProvider, RetryAfter: time.Second, Err: fmt.Errorf("panic: %v", r),
		}
	}
}

// backoff counts a provider's failures in a row, for the back-off.
type backoff struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

// ok notes a success. It reports whether that ends an outage: more than one failure
// in a row, so for a second at least.
func (h *backoff) ok() (outage bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	outage = h.failures > 1
	h.failures, h.until = 0, time.Time{}
	return outage
}

// failed returns how long to leave the provider alone: 1 s, doubled up to 16 s.
// Calls that fail together are one failure: a hundred sessions that were due in
// the same moment say no more than one.
func (h *backoff) failed(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left := h.until.Sub(now); left > 0 {
		return max(left, time.Second)
	}
	pause := time.Second << min(h.failures, 4)
	h.failures++
	h.until = now.Add(pause)
	return pause
}
