package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// result is the figures of one scenario.
type result struct {
	Scenario string   `json:"scenario"`
	Skipped  string   `json:"skipped,omitempty"` // what is missing here
	Broken   string   `json:"broken,omitempty"`  // why it was not run to its end
	Took     float64  `json:"seconds"`
	Sessions int      `json:"sessions"`
	Lost     int      `json:"lost"`       // without a cause from the rule
	Excused  int      `json:"excused"`    // lost for a cause that nothing can be done about
	Unsure   int      `json:"unanswered"` // sessions for which nobody answered at the end
	Killed   int      `json:"families_killed"`
	Leaks    int      `json:"answered_after_sign_out"`
	Refresh  int      `json:"refreshes"`
	Expected float64  `json:"refreshes_expected_at_most"`
	Foreign  int64    `json:"foreign_tokens"`
	Expired  int64    `json:"expired_tokens"`
	Recover  float64  `json:"seconds_to_recover"`
	Never    bool     `json:"never_recovered"`
	Memory   float64  `json:"most_memory_bytes"`
	Routines float64  `json:"most_goroutines"`
	Wrongs   []string `json:"wrong,omitempty"` // what else is wrong
	Notes    []string `json:"notes,omitempty"`
	Excuse   string   `json:"excuse,omitempty"`
	tally

	Events map[string]int `json:"audit_events"`
}

// judge asks every browser whether it is still signed in, and adds everything up.
func (w *world) judge(ctx context.Context) *result {
	r := &result{Scenario: w.name, Sessions: w.setup.browsers, Excuse: w.excuse}
	stay := w.browsers[:w.setup.browsers]
	verdicts := make([]verdict, len(stay))
	var all sync.WaitGroup
	places := make(chan struct{}, 32)
	for i, b := range stay {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			defer w.guard()
			verdicts[i] = b.final(ctx)
		})
	}
	after, never := w.book.recovered()
	r.Recover, r.Never = after.Seconds(), never
	all.Wait()
	for i, v := range verdicts {
		w.count(r, stay[i], v)
	}
	if w.after != nil {
		r.Wrongs = append(r.Wrongs, w.after(ctx, w)...)
	}
	w.add(ctx, r)
	return r
}

// count adds one browser's verdict.
func (w *world) count(r *result, b *browser, v verdict) {
	switch {
	case v.signedIn:
		w.book.streamLied(b)
		return
	case !v.lost:
		if r.Unsure++; r.Unsure <= 3 {
			w.book.remark("%s: nobody answers: %s", b.name, v.code)
		}
		return
	}
	f := w.provider.familyOf(b.name)
	if w.unavoidable(f) || w.excused != nil && w.excused(w, f) {
		r.Excused++
		return
	}
	if r.Lost++; r.Lost <= 5 {
		w.book.remark("%s lost its session: %s%s", b.name, v.code, w.story(f))
	}
}

// story says how the provider came to end a family.
func (w *world) story(f *family) string {
	if f == nil || f.killed.IsZero() {
		return ""
	}
	at := func(t time.Time) float64 { return t.Sub(w.book.began).Seconds() }
	return fmt.Sprintf("; its refresh token was spent by gateway %d at %.1f s and again by gateway %d at %.1f s",
		f.first.gateway, at(f.first.at), f.second.gateway, at(f.second.at))
}

// add takes over what the parts have counted.
func (w *world) add(ctx context.Context, r *result) {
	calls, expected, killed := w.provider.count()
	r.Refresh, r.Expected = calls, expected
	for _, f := range killed {
		if !w.unavoidable(f) && (w.excused == nil || !w.excused(w, f)) {
			r.Killed++
		}
	}
	r.Foreign, r.Expired = w.upstream.foreign.Load(), w.upstream.expired.Load()
	r.Events = w.securityEvents()
	for _, g := range w.gateways {
		memory, goroutines := g.load(ctx)
		r.Memory, r.Routines = max(r.Memory, memory), max(r.Routines, goroutines)
	}
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	r.tally, r.Leaks, r.Notes = w.book.tally, len(w.book.leaks), slices.Clone(w.book.notes)
	r.Wrongs = append(r.Wrongs, w.book.wrongs...)
}

// wrong401 is how often a signed-in browser got 401 and one repeat did not help.
func (r *result) wrong401() (n int) {
	for _, x := range r.Wrong {
		n += x
	}
	return n
}

// faults names the figures that must be 0 and are not.
func (r *result) faults() (list []string) {
	for _, f := range []struct {
		n    int
		what string
	}{
		{r.Lost, "lost"},
		{r.Unsure, "unanswered"},
		{r.Killed, "families killed"},
		{r.wrongBeyondExcuse(), "wrong 401s"},
		{r.Leaks, "answered after sign-out"},
		{r.Cleared, "cookies cleared"},
		{r.TwoCookies, "responses with two cookies"},
		{int(r.Foreign), "foreign tokens"},
		{r.Cut, "streams cut"},
	} {
		if f.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	if r.Never {
		list = append(list, "never recovered")
	}
	const most = 3
	list = append(list, r.Wrongs[:min(len(r.Wrongs), most)]...)
	if more := len(r.Wrongs) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return list
}

// wrongBeyondExcuse is the wrong 401s, unless sessions were lost for an excused cause:
// their browsers are right to be told.
func (r *result) wrongBeyondExcuse() int {
	if r.Excused > 0 {
		return 0
	}
	return r.wrong401()
}

// failed reports whether the exit status must say so.
func (r *result) failed(missingToo bool) bool {
	return r.Broken != "" || missingToo && r.Skipped != "" || r.Skipped == "" && len(r.faults()) > 0
}
