package manager

import (
	"context"
	"errors"
	"strconv"

	"sessiongate/session"
)

// Resolve turns a presented cookie value into a live session with an access
// token that is good to forward. Errors: [session.ErrUnauthentic], [*session.StaleError],
// [*session.EndedError], [*session.UnavailableError], or the context's.
//
// A hit in the cache costs one look-up: no store, no cryptography, no
// allocation.
func (m *Manager) Resolve(ctx context.Context, value string, p session.ResolveOptions) (*session.Session, error) {
	now := m.now()
	var cached *session.Session
	if !p.Force && !p.Eager && p.Kind == session.Browser {
		cached = m.cache.get(value, now, m.tracker.Epoch())
	}
	if cached != nil && m.tracker.Connected() {
		if cached.SoftDue(now) {
			m.renewInBackground(cached, nil, p.Client)
		}
		return cached, nil
	}
	s, err := m.resolve(ctx, value, p)
	if cached != nil && errors.Is(err, session.ErrStoreUnavailable) {
		// Made before the outage. Looked up again, because the wait may have used up
		// its time, and the session may have ended here meanwhile.
		if cached = m.cache.get(value, m.now(), m.tracker.Epoch()); cached != nil {
			return cached, nil
		}
	}
	return s, err
}

// resolve asks the store.
func (m *Manager) resolve(ctx context.Context, value string, p session.ResolveOptions) (*session.Session, error) {
	v := session.Presentation{Kind: p.Kind, BrowserClass: session.BrowserClass(p.UserAgent), Touch: p.Touch, Force: p.Force}
	known := m.revalidations.get(value, p)
	var h session.Handle
	if known != nil {
		h, v.ID, v.Validator = known.session.Handle(), known.session.ID(), known.version
	} else {
		var err error
		if h, err = m.sealers.Open(p.Kind, value); err != nil {
			return nil, err
		}
		v.ID = h.ID()
	}
	if e := m.tracker.RecentlyEnded(v.ID); e != nil {
		return nil, e
	}
	v.Generation, v.Marked = h.Generation(), m.sealers.Marked(h, v.ID, p.Mark)
	return m.present(ctx, value, h, v, known, p)
}

// present reads the session and acts on the verdict.
func (m *Manager) present(ctx context.Context, value string, h session.Handle, v session.Presentation, known *revalidation, p session.ResolveOptions) (*session.Session, error) {
	rd, err := m.read(ctx, v, known, p.Client)
	if err != nil {
		return nil, err
	}
	switch {
	case rd.Verdict.Stale():
		return nil, m.stale(v, rd)
	case !rd.Verdict.Live():
		return nil, &session.EndedError{ID: v.ID, Reason: rd.Verdict.Reason}
	case rd.Verdict.Due == session.HardDue, rd.Verdict.Due == session.SoftDue && p.Eager:
		return m.refresh(ctx, rd, h, v)
	}
	var s *session.Session
	if rd.NotModified {
		s = m.revalidated(rd, known)
	} else {
		s = m.snapshot(rd, h, rd.Record)
	}
	if e := rd.Track.Ended(); e != nil {
		return nil, e // it ended while we asked
	}
	if s.AccessExpired(m.now()) {
		return m.ranOut(ctx, rd, h, v)
	}
	if rd.Verdict.Outcome == session.OutcomeCurrent && v.Touch && v.Kind == session.Browser && !rd.NotModified {
		m.storeEntry(value, rd, s)
	}
	if rd.Verdict.Due == session.SoftDue {
		from := rd
		m.renewInBackground(s, &from, p.Client)
	}
	return s, nil
}

// ranOut is for an answer that lay unread, while this process stood still, until the
// access token in it had expired. Its handle was good when the request came, and is
// not judged again: the request gets the token that others have by now, or a new one.
func (m *Manager) ranOut(ctx context.Context, rd readPoint, h session.Handle, v session.Presentation) (*session.Session, error) {
	turn, err := m.glanceAt(ctx, v.ID)
	switch {
	case err != nil:
		return nil, m.reporter.StoreFault(err, v.ID)
	case turn.Record == nil:
		return nil, m.expire(ctx, v.ID, turn.Reason, rd.client)
	}
	rd = m.use(rd, turn.Record, turn.Now, turn.asked)
	if m.expired(rd) {
		return m.refresh(ctx, rd, h, v)
	}
	return m.snapshot(rd, h, turn.Record), nil
}

// storeEntry keeps an answer about the current handle for the requests to come.
func (m *Manager) storeEntry(value string, rd readPoint, s *session.Session) {
	switch {
	case m.cache != nil && rd.Connected:
		m.cache.put(value, m.compact(s))
	case m.revalidations != nil && rd.Validator != "":
		m.storeValidator(value, rd, s)
	}
}

func (m *Manager) ask(ctx context.Context, v session.Presentation, known *revalidation, c session.Client) (readPoint, error) {
	track := (*session.Track)(nil)
	if known != nil {
		track = known.session.Track()
	} else {
		track = m.tracker.Track(v.ID)
	}
	rd := readPoint{ReadPoint: m.tracker.ReadPoint(track), client: c}
	number := m.tracker.ExpectedCommit(v.ID)
	res, err := m.store.Resolve(ctx, v)
	if err != nil {
		return rd, m.reporter.StoreFault(err, v.ID)
	}
	m.tellClock(rd.Began, res.Now)
	if number > 0 {
		if err := m.compare(res, v.ID, number); err != nil {
			return rd, err
		}
	}
	rd.Answer = res
	if res.Verdict.Outcome == session.OutcomeRecover {
		// Copies of the handle that was lost are void at once.
		rd.Track.Learn(res.Record.Facts)
		rd.Track.Invalidate()
	}
	m.report(res, v, c)
	return rd, nil
}

// report records what a judgement means and makes an end it found known here.
func (m *Manager) report(res session.Answer, v session.Presentation, c session.Client) {
	if res.Verdict.Outcome == session.OutcomeCurrent && !res.Verdict.StoreLostWrites {
		return // the usual
	}
	e := session.Event{ID: v.ID, Reason: res.Verdict.Reason, Client: c}
	if res.Record != nil {
		e.Subject, e.Provider = res.Record.Identity.Subject, res.Record.Identity.Provider
	}
	emit := func(t session.EventType) { e.Type = t; m.reporter.Record(e) }
	if res.Verdict.StoreLostWrites {
		emit(session.EventRolledBack)
	}
	switch {
	case res.Verdict.Outcome == session.OutcomeConverge:
		emit(session.EventConverged)
	case res.Verdict.Outcome == session.OutcomeRecover && res.Record != nil:
		e.Device = res.Record.Device
		emit(session.EventRecovered)
	case res.Verdict.Stale():
		emit(session.EventStale)
		if res.Verdict.Outcome == session.OutcomeRetired {
			emit(session.EventRetired)
		}
	case res.Verdict.Outcome == session.OutcomeEnded:
		_ = m.tracker.MarkEnded(v.ID, res.Verdict.Reason)
	case res.Verdict.Reason == session.Reused && res.Record != nil:
		emit(session.EventReuse)
		m.ended(res.Record, session.Reused, c)
	case res.Verdict.Outcome == session.OutcomeExpired && res.Record != nil:
		m.ended(res.Record, res.Verdict.Reason, c)
	}
}

// flightKey is everything that changes what a refresh for a visit gives.
func flightKey(v session.Presentation) string {
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
// if nobody has yet, or [session.ErrNotRenewed] if a forced refresh is not in order.
func (m *Manager) ForceRefresh(ctx context.Context, s *session.Session, c session.Client) (*session.Session, error) {
	if !m.mayPresentAgain(s) {
		return m.overtaken(ctx, s, c)
	}
	v := session.Presentation{
		ID: s.ID(), Generation: s.Handle().Generation(), Kind: s.Handle().Kind(),
		BrowserClass: session.BrowserClass(c.UserAgent), Force: true, IfTokens: s.TokensHash(),
	}
	fresh, err := m.present(ctx, "", s.Handle(), v, nil, session.ResolveOptions{Kind: v.Kind, Client: c})
	if err != nil {
		return nil, err
	}
	if fresh.TokensHash() == s.TokensHash() {
		return nil, session.ErrNotRenewed
	}
	return fresh, nil
}

// overtaken is Renew for a handle that may have been retired since its request came:
// it is not judged again. If others have refreshed the session meanwhile, its request
// gets their token.
func (m *Manager) overtaken(ctx context.Context, s *session.Session, c session.Client) (*session.Session, error) {
	if !s.Handle().Presented() {
		return nil, session.ErrNotRenewed // nobody presented it, see [session.Bearer.Family]
	}
	rd := readPoint{ReadPoint: m.tracker.ReadPoint(s.Track()), client: c}
	turn, err := m.glanceAt(ctx, s.ID())
	if err != nil || turn.Record == nil || turn.Record.Facts.TokensHash == s.TokensHash() {
		return nil, session.ErrNotRenewed
	}
	rd = m.use(rd, turn.Record, turn.Now, turn.asked)
	rd.Track.Learn(turn.Record.Facts)
	if m.expired(rd) || rd.Track.Ended() != nil || rd.Track.Barred(s.Handle().Generation(), false) {
		return nil, session.ErrNotRenewed
	}
	return m.snapshot(rd, s.Handle(), turn.Record), nil
}

// mayPresentAgain reports whether the handle of s may be judged once more. It was
// good when its request arrived, but an upstream may have taken its time since:
// a handle retired in between is the upstream's fault and must not look like a
// thief's. If it was current, it cannot have left its window within grace of the reading.
func (m *Manager) mayPresentAgain(s *session.Session) bool {
	if !s.Handle().Presented() || s.Handle().Generation() != s.Generation() {
		return false // nobody presented it, see [session.Bearer.Family]; or it is retired
	}
	if m.now().Sub(s.ReadPoint().Began) <= s.Grace() {
		return true
	}
	return m.tracker.Connected() && s.Track().Newest() <= s.Handle().Generation()
}

// stale is the refusal of a retired handle. Only row 9 gives a mark: in a window
// another browser's request proves nothing, and is to change nothing.
func (m *Manager) stale(v session.Presentation, rd readPoint) error {
	e := &session.StaleError{}
	if rd.Verdict.Outcome != session.OutcomeRetired {
		return e
	}
	value, err := m.sealers.Mark(session.StaleMark{ID: v.ID, Generation: v.Generation, Issued: rd.Now})
	if err != nil {
		m.reporter.Record(session.Event{Type: session.EventUnsealable, ID: v.ID, Err: err})
		return e
	}
	e.Mark = value
	return e
}
