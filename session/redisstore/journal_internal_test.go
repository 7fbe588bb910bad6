package redisstore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
)

type testClock struct{ at time.Time }

func (c *testClock) now() time.Time { return c.at }

func kept(j *journal) (ids []string) {
	for _, e := range j.all() {
		ids = append(ids, string(e.id))
	}
	return ids
}

func TestJournal(t *testing.T) {
	clock := &testClock{at: time.Unix(1_800_000_000, 0)}
	var dropped []session.ID
	const size = 1000
	j := newJournal(4*(size+entryOverhead), clock.now, func(id session.ID) { dropped = append(dropped, id) })
	put := func(id string, number int64, due time.Duration, confirmed bool) {
		j.put(&entry{
			id: session.ID(id), number: number, sealed: strings.Repeat("x", size),
			due: clock.at.Add(due), at: clock.at,
		}, confirmed)
	}
	want := func(what string, ids ...string) {
		t.Helper()
		if got := kept(j); !slices.Equal(got, ids) {
			t.Errorf("%s: %v, want %v", what, got, ids)
		}
	}
	put("a", 1, 4*time.Hour, false)
	put("b", 1, 3*time.Hour, false)
	put("c", 1, 2*time.Hour, true)
	put("d", 1, time.Hour, false)
	want("soonest due first", "d", "c", "b", "a")
	put("a", 2, 4*time.Hour, false)
	put("a", 1, 4*time.Hour, false)
	if e := j.get("a"); e.number != 2 {
		t.Errorf("the newest has number %d", e.number)
	}
	put("e", 1, 5*time.Hour, false)
	want("what is confirmed goes first", "d", "b", "a", "e")
	put("f", 1, 6*time.Hour, false)
	want("then the oldest", "d", "a", "e", "f")
	if !slices.Equal(dropped, []session.ID{"c", "b"}) {
		t.Errorf("dropped %v", dropped)
	}
	if n := len(j.unconfirmed()); n != 4 {
		t.Errorf("%d are not confirmed", n)
	}
	j.confirm(j.unconfirmed()[:1])
	if n := len(j.unconfirmed()); n != 3 {
		t.Errorf("%d are not confirmed after one was", n)
	}
	j.drop("d")
	j.drop("unknown")
	want("an end", "a", "e", "f")

	j.freeze()
	clock.at = clock.at.Add(journalTTL + time.Second)
	put("g", 1, 7*time.Hour, false)
	want("while the server is away", "a", "e", "f", "g")
	j.thaw()
	want("too old", "g")
	j.drop("g")
	if j.bytes != 0 || len(dropped) != 2 {
		t.Errorf("%d bytes of nothing; dropped %v", j.bytes, dropped)
	}
}

func TestEntryOfAnEnd(t *testing.T) {
	r := &session.Record{ID: "x", Facts: session.State{CommitNumber: 3}}
	for name, state := range map[string][]any{
		"nothing":      nil,
		"a tombstone":  {"why", "logout", "at", "1"},
		"not text":     {"g", int64(1)},
		"a line break": {"b", "x\ny"},
	} {
		if newEntry(r, nil, state) != nil {
			t.Errorf("%s makes an entry", name)
		}
	}
	if e := newEntry(r, []byte("sealed"), []any{"g", "1", "b", ""}); e == nil || e.state != "g\n1\nb\n\n" {
		t.Errorf("entry %+v", e)
	}
}

func TestHold(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		run  func(p *peers)
		wait time.Duration
	}{
		"nobody writes again":                  {func(p *peers) { p.stop() }, 0},
		"we are not done":                      {func(*peers) {}, maxHold},
		"alone and done":                       {func(p *peers) { p.note("self", "m", true, now) }, 0},
		"done with another master":             {func(p *peers) { p.note("self", "other", true, now) }, maxHold},
		"another is not done":                  {func(p *peers) { p.note("self", "m", true, now); p.note("q", "", false, now) }, maxHold},
		"another is done":                      {func(p *peers) { p.note("self", "m", true, now); p.note("q", "m", true, now) }, 0},
		"another noticed before us":            {func(p *peers) { p.note("self", "m", true, now); p.note("q", "m", true, now.Add(-time.Second)) }, 0},
		"another was done with it long before": {func(p *peers) { p.note("self", "m", true, now); p.note("q", "m", true, now.Add(-5*time.Second)) }, maxHold},
		"another was heard long ago":           {func(p *peers) { p.note("self", "m", true, now); p.note("q", "", false, now.Add(-11*time.Second)) }, 0},
		"another has left": {func(p *peers) {
			p.note("self", "m", true, now)
			p.note("q", "", false, now)
			p.leave("q")
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers("self")
			p.start()
			p.hold("m", now)
			c.run(p)
			wait, _ := p.wait(now)
			if wait != c.wait {
				t.Errorf("a refresh waits %v, want %v", wait, c.wait)
			}
			if wait, _ := p.wait(now.Add(maxHold)); wait != 0 {
				t.Errorf("a refresh waits %v for a process that may be dead", wait)
			}
		})
	}
}

func TestMasters(t *testing.T) {
	var changes []string
	m := newMasters(func(name string) { changes = append(changes, name) })
	first := identity{name: "one", history: "h1"}
	for _, step := range []struct {
		addr string
		id   identity
		want bool
	}{
		{"", first, false},
		{"", first, false},
		{"", identity{name: "two", history: "h2", previous: "h1"}, true},
		{"", first, true}, // back again
		{"shard", identity{name: "three", history: "h3"}, false},
		{"replica of the shard", identity{name: "four", history: "h4", previous: "h3"}, true},
		{"shard", identity{name: "five", history: "h5"}, true}, // started again
	} {
		before := len(changes)
		m.note(step.addr, step.id)
		if changed := len(changes) > before; changed != step.want {
			t.Errorf("%q at %q: change %v", step.id.name, step.addr, changed)
		}
	}
	if !m.has("five") || m.has("two") || m.mention("five") || !m.mention("six") || m.mention("six") || !m.isForeign("six") {
		t.Error("known and foreign masters are confused")
	}
}

func TestSlowReplicasAreLeftAlone(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := replicas{infos: map[string]replicaInfo{"a": {count: 2, sure: true}}}
	wanted := func(at time.Duration) int { return r.infos["a"].wanted(now.Add(at)) }
	for range 2 {
		r.learn("a", 1, true, now)
	}
	r.learn("a", 2, false, now)
	for range 2 {
		r.learn("a", 1, true, now)
		if wanted(0) != 2 {
			t.Fatal("two short answers in a row are taken for three")
		}
	}
	r.learn("a", 1, true, now)
	for at, want := range map[time.Duration]int{0: 1, shortTTL - 1: 1, shortTTL: 2} {
		if got := wanted(at); got != want {
			t.Errorf("after %v %d replicas are waited for, want %d", at, got, want)
		}
	}
}

// FuzzNotice: whatever is published is a notice or none, never both a notice and a
// change of a session.
func FuzzNotice(f *testing.F) {
	id := nameOf("x")
	for _, kind := range []string{"b", "h", "d", "x", "g", "n", "e", "o", ""} {
		f.Add(id + " " + kind + " " + id)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		n, ok := parseNotice(payload)
		if _, change := parsePayload(payload); ok && change {
			t.Errorf("%q is both", payload)
		}
		if ok && n.process+" "+n.kind+" "+n.master != payload {
			t.Errorf("%q reads as %+v", payload, n)
		}
	})
}
