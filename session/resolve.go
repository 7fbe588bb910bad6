package session

import (
	"context"
	"errors"
	"strconv"
)

// ResolveOptions is how a handle is presented.
type ResolveOptions struct {
	Kind  Kind
	Touch bool // counts as use
	Eager bool // refresh even if only soft-due; asks the store
	Force bool // refresh even if not due; asks the store
	// Mark is the stale mark that came along, as it came. It is for a request with
	// one handle only, and is read only where the store is asked.
	Mark string
	Client
}

// Resolve turns a presented cookie value into a live session with an access
// token that is good to forward. Errors: [ErrUnauthentic], [*StaleError],
// [*EndedError], [*UnavailableError], or the context's.
//
// A hit in the cache costs one look-up: no store, no cryptography, no
// allocation.
func (m *Manager) Resolve(ctx context.Context, value string, p ResolveOptions) (*Session, error) {
	now := m.now()
	var cached *Session
	if !p.Force && !p.Eager && p.Kind == Browser {
		cached = m.cache.get(value, now, m.epoch.Load())
	}
	if cached != nil && m.connected.Load() {
		if !cached.before(now, cached.soft) {
			m.renewInBackground(cached, nil, p.Client)
		}
		return cached, nil
	}
	s, err := m.resolve(ctx, value, p)
	if cached != nil && errors.Is(err, ErrStoreUnavailable) {
		// Made before the outage. Looked up again, because the wait may have used up
		// its time, and the session may have ended here meanwhile.
		if cached = m.cache.get(value, m.now(), m.epoch.Load()); cached != nil {
			return cached, nil
		}
	}
	return s, err
}

// resolve asks the store.
func (m *Manager) resolve(ctx context.Context, value string, p ResolveOptions) (*Session, error) {
	v := Presentation{Kind: p.Kind, BrowserClass: BrowserClass(p.UserAgent), Touch: p.Touch, Force: p.Force}
	known := m.revalidations.get(value, p)
	var h Handle
	if known != nil {
		h, v.ID, v.Validator = known.session.handle, known.session.ID(), known.version
	} else {
		var err error
		if h, err = m.open(p.Kind, value); err != nil {
			return nil, err
		}
		v.ID = h.ID()
	}
	if e := m.recentlyEnded.get(v.ID, m.now()); e != nil {
		return nil, e
	}
	v.Generation, v.Marked = h.generation, m.marked(h, v.ID, p.Mark)
	return m.present(ctx, value, h, v, known, p)
}

// present reads the session and acts on the verdict.
func (m *Manager) present(ctx context.Context, value string, h Handle, v Presentation, known *revalidation, p ResolveOptions) (*Session, error) {
	rd, err := m.read(ctx, v, known, p.Client)
	if err != nil {
		return nil, err
	}
	switch {
	case rd.Verdict.Stale():
		return nil, m.stale(v, rd)
	case !rd.Verdict.Live():
		return nil, &EndedError{ID: v.ID, Reason: rd.Verdict.Reason}
	case rd.Verdict.Due == HardDue, rd.Verdict.Due == SoftDue && p.Eager:
		return m.refresh(ctx, rd, h, v)
	}
	var s *Session
	if rd.NotModified {
		s = m.again(rd, known)
	} else {
		s = m.snapshot(rd, h, rd.Record)
	}
	if e := rd.track.Ended.Load(); e != nil {
		return nil, e // it ended while we asked
	}
	if !s.before(m.now(), s.accessEnd) {
		return m.ranOut(ctx, rd, h, v)
	}
	if rd.Verdict.Outcome == OutcomeCurrent && v.Touch && v.Kind == Browser && !rd.NotModified {
		m.storeEntry(value, rd, s)
	}
	if rd.Verdict.Due == SoftDue {
		from := rd
		m.renewInBackground(s, &from, p.Client)
	}
	return s, nil
}

// ranOut is for an answer that lay unread, while this process stood still, until the
// access token in it had expired. Its handle was good when the request came, and is
// not judged again: the request gets the token that others have by now, or a new one.
func (m *Manager) ranOut(ctx context.Context, rd readPoint, h Handle, v Presentation) (*Session, error) {
	turn, err := m.glanceAt(ctx, v.ID)
	switch {
	case err != nil:
		return nil, m.storeFault(err, v.ID)
	case turn.State == LeaseSessionEnded:
		return nil, m.expire(ctx, v.ID, turn.Reason, rd.client)
	}
	rd = m.use(rd, turn.Record, turn.Now, turn.asked)
	if m.expired(rd) {
		return m.refresh(ctx, rd, h, v)
	}
	return m.snapshot(rd, h, turn.Record), nil
}

// storeEntry keeps an answer about the current handle for the requests to come.
func (m *Manager) storeEntry(value string, rd readPoint, s *Session) {
	switch {
	case m.cache != nil && rd.up:
		m.cache.put(value, m.compact(s))
	case m.revalidations != nil && rd.Validator != "":
		m.storeValidator(value, rd, s)
	}
}

// open unseals a presented value.
func (m *Manager) open(kind Kind, value string) (Handle, error) {
	sealer := m.sealers[kind]
	if sealer == nil {
		return Handle{}, ErrUnauthentic
	}
	payload, err := sealer.Open(value)
	if err != nil {
		return Handle{}, ErrUnauthentic
	}
	return ParseHandle(kind, payload)
}

func (m *Manager) ask(ctx context.Context, v Presentation, known *revalidation, c Client) (readPoint, error) {
	rd := readPoint{began: m.now(), client: c, epoch: m.epoch.Load(), up: m.connected.Load()}
	if known != nil {
		rd.track = known.session.track
	} else {
		rd.track = m.tracks.get(v.ID)
	}
	rd.version = rd.track.version.Load()
	number := m.doubtful(v.ID)
	res, err := m.store.Resolve(ctx, v)
	if err != nil {
		return rd, m.storeFault(err, v.ID)
	}
	m.tellClock(rd.began, res.Now)
	if number > 0 {
		if err := m.compare(res, v.ID, number); err != nil {
			return rd, err
		}
	}
	rd.Answer = res
	if res.Verdict.Outcome == OutcomeRecover {
		// Copies of the handle that was lost are void at once.
		rd.track.learn(res.Record.Facts)
		rd.track.Invalidate()
	}
	m.report(res, v, c)
	return rd, nil
}

// report records what a judgement means and makes an end it found known here.
func (m *Manager) report(res Answer, v Presentation, c Client) {
	if res.Verdict.Outcome == OutcomeCurrent && !res.Verdict.StoreLostWrites {
		return // the usual
	}
	e := Event{ID: v.ID, Reason: res.Verdict.Reason, Client: c}
	if res.Record != nil {
		e.Subject, e.Provider = res.Record.Identity.Subject, res.Record.Identity.Provider
	}
	emit := func(t EventType) { e.Type = t; m.record(e) }
	if res.Verdict.StoreLostWrites {
		emit(EventRolledBack)
	}
	switch {
	case res.Verdict.Outcome == OutcomeConverge:
		emit(EventConverged)
	case res.Verdict.Outcome == OutcomeRecover && res.Record != nil:
		e.Device = res.Record.Device
		emit(EventRecovered)
	case res.Verdict.Stale():
		emit(EventStale)
		if res.Verdict.Outcome == OutcomeRetired {
			emit(EventRetired)
		}
	case res.Verdict.Outcome == OutcomeEnded:
		_ = m.markEnded(v.ID, res.Verdict.Reason)
	case res.Verdict.Reason == Reused && res.Record != nil:
		emit(EventReuse)
		m.ended(res.Record, Reused, c)
	case res.Verdict.Outcome == OutcomeExpired && res.Record != nil:
		m.ended(res.Record, res.Verdict.Reason, c)
	}
}

// flightKey is everything that changes what a refresh for a visit gives.
func flightKey(v Presentation) string {
	flags := byte('0') + byte(v.Kind)<<2
	if v.Touch {
		flags |= 1
	}
	if v.Force {
		flags |= 2
	}
	return string(v.ID) + "|" + strconv.FormatUint(uint64(v.Generation), 10) + "|" +
		v.BrowserClass + "|" + string(flags) + "|" + strconv.FormatInt(v.Marked.UnixMilli(), 36) + "|" + v.IfTokens
}

// ForceRefresh is for an upstream that refused the token of s (RFC 6750 §3.1
// invalid_token). It returns the session with another token, refreshed by force
// if nobody has yet, or [ErrNotRenewed] if a forced refresh is not in order.
func (m *Manager) ForceRefresh(ctx context.Context, s *Session, c Client) (*Session, error) {
	if !m.mayPresentAgain(s) {
		return m.overtaken(ctx, s, c)
	}
	v := Presentation{
		ID: s.ID(), Generation: s.handle.generation, Kind: s.handle.kind,
		BrowserClass: BrowserClass(c.UserAgent), Force: true, IfTokens: s.stamp,
	}
	fresh, err := m.present(ctx, "", s.handle, v, nil, ResolveOptions{Kind: v.Kind, Client: c})
	if err != nil {
		return nil, err
	}
	if fresh.stamp == s.stamp {
		return nil, ErrNotRenewed
	}
	return fresh, nil
}

// overtaken is Renew for a handle that may have been retired since its request came:
// it is not judged again. If others have refreshed the session meanwhile, its request
// gets their token.
func (m *Manager) overtaken(ctx context.Context, s *Session, c Client) (*Session, error) {
	if s.handle.generation == 0 {
		return nil, ErrNotRenewed // nobody presented it, see [Bearer.Family]
	}
	rd := readPoint{client: c, epoch: m.epoch.Load(), up: m.connected.Load()}
	turn, err := m.glanceAt(ctx, s.ID())
	if err != nil || turn.Record == nil || turn.Record.Facts.TokensHash == s.stamp {
		return nil, ErrNotRenewed
	}
	rd = m.use(rd, turn.Record, turn.Now, turn.asked)
	rd.track.learn(turn.Record.Facts)
	if m.expired(rd) || rd.track.Ended.Load() != nil || rd.track.barred(s.handle.generation, false) {
		return nil, ErrNotRenewed
	}
	return m.snapshot(rd, s.handle, turn.Record), nil
}

// mayPresentAgain reports whether the handle of s may be judged once more. It was
// good when its request arrived, but an upstream may have taken its time since:
// a handle retired in between is the upstream's fault and must not look like a
// thief's. If it was current, it cannot have left its window within grace of the reading.
func (m *Manager) mayPresentAgain(s *Session) bool {
	if s.handle.generation == 0 || s.handle.generation != s.generation {
		return false // nobody presented it, see [Bearer.Family]; or it is retired
	}
	if m.now().Sub(s.readAt) <= s.grace {
		return true
	}
	return m.connected.Load() && s.track.newest.Load() <= s.handle.generation
}
