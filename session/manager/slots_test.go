package manager_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// fleet signs in n users at the same moment and returns their cookies.
func (w *world) fleet(provider string, n int) []string {
	w.t.Helper()
	cookies := make([]string, n)
	for i := range cookies {
		cookies[i] = w.loginAs(provider, fmt.Sprintf("user-%d", i))
	}
	return cookies
}

// crowd holds refreshes until it is let go, whatever their callers do, and counts them.
type crowd struct {
	free chan struct{}
	open func()
	spot map[string]bool // subjects that are not held

	mu        sync.Mutex
	now, most int
	calls     map[session.ID]int
}

func newCrowd(free ...string) *crowd {
	c := &crowd{free: make(chan struct{}), calls: make(map[session.ID]int), spot: make(map[string]bool)}
	for _, subject := range free {
		c.spot[subject] = true
	}
	c.open = sync.OnceFunc(func() { close(c.free) })
	return c
}

func (c *crowd) answer(_ context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
	c.count(r.SessionID, 1)
	if !c.spot[r.Identity.Subject] {
		<-c.free
	}
	c.count("", -1)
	return usual()
}

func (c *crowd) count(id session.ID, change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "" {
		c.calls[id]++
	}
	c.now += change
	c.most = max(c.most, c.now)
}

// held is how many calls are under way.
func (c *crowd) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// storm resolves the cookies at a manager and hands out the outcomes in the order
// they come. It returns when all were judged, some at a time: what is to fill the slots
// is the provider, not the store.
func (w *world) storm(manager int, cookies []string) <-chan error {
	w.t.Helper()
	out, before := make(chan error, len(cookies)), w.stores[manager].asked()
	for i, c := range cookies {
		go func() { _, err := w.resolve(manager, c); out <- err }()
		if i%8 == 7 || i == len(cookies)-1 {
			w.eventually("they are judged", func() bool { return w.stores[manager].asked()-before > i })
		}
	}
	return out
}

// TestSoManyRefreshesAtOnce: of 100 sessions that expire together, each asked for by
// four requests, 64 are refreshed at a time, each once, and all requests succeed.
func TestSoManyRefreshesAtOnce(t *testing.T) {
	w := newWorld(t, options{timeout: time.Minute})
	cookies := w.fleet("fake", 100)
	w.clock.Advance(expired)
	c := newCrowd()
	defer c.open()
	w.provider.Fail(c.answer)
	var outcomes []<-chan error
	for range 4 {
		outcomes = append(outcomes, w.storm(0, cookies))
	}
	w.eventually("the provider is busy", func() bool { return c.held() >= session.RefreshesAtOnce })
	c.open()
	for _, out := range outcomes {
		for range cookies {
			if err := <-out; err != nil {
				t.Error(err)
			}
		}
	}
	if c.most != session.RefreshesAtOnce {
		t.Errorf("%d calls at a time, want %d", c.most, session.RefreshesAtOnce)
	}
	for id, n := range c.calls {
		if n != 1 {
			t.Errorf("%d calls for %s", n, id)
		}
	}
	if len(c.calls) != len(cookies) {
		t.Errorf("calls for %d sessions", len(c.calls))
	}
}

// TestOneProviderKeepsNoOtherWaiting: each has slots of its own.
func TestOneProviderKeepsNoOtherWaiting(t *testing.T) {
	other := sessiontest.NewProvider("other", lifetime, time.Minute)
	w := newWorld(t, options{timeout: time.Minute, others: []session.Provider{other}})
	slow := w.fleet("fake", session.RefreshesAtOnce+10)
	quick := w.fleet("other", 10)
	w.clock.Advance(expired)
	c := newCrowd()
	defer c.open()
	w.provider.Fail(c.answer)
	stuck := w.storm(0, slow)
	w.eventually("all slots are taken", func() bool { return c.held() == session.RefreshesAtOnce })
	for _, cookie := range quick {
		w.live(0, cookie)
	}
	c.open()
	for range slow {
		w.must(<-stuck)
	}
}

// TestQueueTooLong: a request that gets no slot in the time of a call is told to
// come back. Its session is what it was, and nobody waits for it elsewhere.
func TestQueueTooLong(t *testing.T) {
	w := newWorld(t, options{managers: 2, timeout: time.Second})
	slow, last := w.fleet("fake", session.RefreshesAtOnce), w.loginAs("fake", "last")
	w.clock.Advance(expired)
	c := newCrowd("last")
	defer c.open()
	w.provider.Fail(c.answer)
	stuck := w.storm(0, slow)
	w.eventually("all slots are taken", func() bool { return c.held() == session.RefreshesAtOnce })
	_, err := w.resolve(0, last)
	w.wantUnavailable(err, session.SubsystemProvider)
	if n := w.events.count(session.EventEnded); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
	w.live(1, last) // no lease was left behind, and no back-off
	c.open()
	for range slow {
		<-stuck
	}
	w.live(0, last)
}

// TestQueueLetsGo: whoever waits for a slot may leave.
func TestQueueLetsGo(t *testing.T) {
	w := newWorld(t, options{timeout: time.Minute})
	slow, last := w.fleet("fake", session.RefreshesAtOnce), w.loginAs("fake", "last")
	w.clock.Advance(expired)
	c := newCrowd()
	defer c.open()
	w.provider.Fail(c.answer)
	stuck := w.storm(0, slow)
	w.eventually("all slots are taken", func() bool { return c.held() == session.RefreshesAtOnce })
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		_, err := w.managers[0].Resolve(ctx, last, session.ResolveOptions{Client: client()})
		left <- err
	}()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	c.open()
	for range slow {
		w.must(<-stuck)
	}
}

// TestQueueHearsOfOthers: who waits for a slot here takes the tokens that another
// process got meanwhile. That it waited kept nobody from getting them.
func TestQueueHearsOfOthers(t *testing.T) {
	w := newWorld(t, options{managers: 2, timeout: time.Minute})
	slow, last := w.fleet("fake", session.RefreshesAtOnce), w.loginAs("fake", "last")
	w.clock.Advance(expired)
	c := newCrowd("last")
	defer c.open()
	w.provider.Fail(c.answer)
	stuck := w.storm(0, slow)
	w.eventually("all slots are taken", func() bool { return c.held() == session.RefreshesAtOnce })
	waiting := w.storm(0, []string{last})
	w.live(1, last)
	w.must(<-waiting)
	c.open()
	for range slow {
		w.must(<-stuck)
	}
	if n := c.calls[w.handle(last).ID()]; n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestSlotsComeBack: a refresh that finds it may not ask now gives its slot back,
// and so does one that was refused an answer.
func TestSlotsComeBack(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Fault(time.Minute))
	for range 2 * session.RefreshesAtOnce {
		_, err := w.resolve(0, cookie)
		w.wantUnavailable(err, session.SubsystemProvider)
	}
	if n := w.provider.Calls(); n != 1 {
		t.Errorf("%d calls while the provider asks to be left alone", n)
	}
	w.provider.Fail(sessiontest.Fault(time.Second))
	for range 2 * session.RefreshesAtOnce {
		w.clock.Advance(2 * time.Minute)
		_, err := w.resolve(0, cookie)
		w.wantUnavailable(err, session.SubsystemProvider)
	}
	w.provider.Fail(nil)
	w.clock.Advance(2 * time.Minute)
	w.live(0, cookie)
	if n := w.provider.Calls(); n != 2*session.RefreshesAtOnce+2 {
		t.Errorf("%d calls", n)
	}
}

// TestEarlyRefreshesGiveWay: however many tokens are in their early window, a
// request whose token has expired gets a slot at once, and the others are made
// good by later requests.
func TestEarlyRefreshesGiveWay(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second, timeout: time.Minute})
	urgent := w.loginAs("fake", "urgent")
	w.clock.Advance(90 * time.Second)
	early := w.fleet("fake", session.RefreshesAtOnce)
	w.clock.Advance(lifetime - 20*time.Second)
	c := newCrowd("urgent")
	defer c.open()
	w.provider.Fail(c.answer)
	for _, cookie := range early {
		w.live(0, cookie)
	}
	const slots = session.RefreshesAtOnce * 3 / 4
	w.eventually("most slots are taken", func() bool { return c.held() == slots })
	w.live(0, urgent)
	if n := w.provider.Calls(); n != slots+1 {
		t.Errorf("%d calls, want %d early ones and one that was waited for", n, slots)
	}
	c.open()
	w.eventually("the others follow", func() bool {
		for _, cookie := range early {
			w.live(0, cookie)
		}
		return w.provider.Calls() == len(early)+1
	})
}

// TestJoinedAnEarlyRefresh: a request that waits joins the early refresh under way. The
// tokens have expired when they arrive, and slots are scarce: the request refreshes
// again in its turn, and does not give way as what it joined would.
func TestJoinedAnEarlyRefresh(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second, timeout: time.Minute})
	urgent := w.loginAs("fake", "urgent")
	early := w.fleet("fake", session.RefreshesAtOnce)
	w.clock.Advance(lifetime - 20*time.Second)
	c, arrive := newCrowd(), make(chan struct{})
	defer c.open()
	w.provider.Fail(func(ctx context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		if r.Identity.Subject != "urgent" {
			return c.answer(ctx, r, usual)
		}
		<-arrive
		return usual()
	})
	w.live(0, urgent)
	w.eventually("its early refresh is under way", func() bool { return w.provider.Calls() == 1 })
	w.clock.Advance(expired)
	others := w.storm(0, early)
	w.eventually("all slots are taken", func() bool { return c.held() == session.RefreshesAtOnce-1 })
	waiting := w.storm(0, []string{urgent})
	time.Sleep(20 * time.Millisecond) // it is judged; joining is next
	close(arrive)
	w.eventually("its slot is another's", func() bool { return c.held() == session.RefreshesAtOnce })
	c.open()
	w.must(<-waiting)
	for range early {
		w.must(<-others)
	}
}

// TestFleetDoesNotMarch: of sessions that began in the same moment, about half are
// refreshed in the first half of the time in which they may be.
func TestFleetDoesNotMarch(t *testing.T) {
	w := newWorld(t, options{})
	cookies := w.fleet("fake", 60)
	w.clock.Advance(lifetime - 75*time.Second) // the window begins 90 to 60 s before the end
	for _, cookie := range cookies {
		w.live(0, cookie)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.managers[0].Close(ctx) // waits for the refreshes
	if n := w.provider.Calls(); n < 12 || n > 48 {
		t.Errorf("%d of %d were refreshed at half time", n, len(cookies))
	}
}

// TestSchedulesSpread: early windows of tokens that were issued together begin at
// times spread evenly over a twentieth of their life.
func TestSchedulesSpread(t *testing.T) {
	const n, parts = 20_000, 20
	for _, life := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		early := min(max(30*time.Second, life/10), life/4)
		var count [parts]int
		for range n {
			s := session.NewSchedule(life, 0)
			into := life - early - s.Soft // 0 to half the window
			count[min(parts-1, max(0, int(into*2*parts/early)))]++
		}
		for i, c := range count {
			if c < n/parts/2 || c > n/parts*2 {
				t.Errorf("%s: %d of %d begin in part %d of %d", life, c, n, i, parts)
			}
		}
	}
}
