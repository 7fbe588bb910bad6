package main

import (
	"fmt"
	"sync"
	"time"
)

// book counts what the browsers of one world see. It is safe for concurrent use.
type book struct {
	began time.Time

	mu sync.Mutex
	tally
	mended      time.Time // when the fault was over; zero: not yet
	lastTrouble time.Time // when the last failing request was sent, after that
	leaks       map[string]time.Duration
	notes       []string
	ends        map[string]string // what streams said, by browser
	wrongs      []string          // what actors of the scenario found
}

// tally is the numbers of a book.
type tally struct {
	Requests   int            `json:"requests"`
	OK         int            `json:"ok"`
	Healed     int            `json:"stale_healed"` // session_stale that one repeat healed
	Wrong      map[string]int `json:"wrong_401"`    // by code
	Failed     map[string]int `json:"failed"`       // 5xx by code, and requests without an answer
	Refused    int            `json:"connections_refused"`
	Cleared    int            `json:"cookies_cleared"`
	TwoCookies int            `json:"responses_with_two_cookies"`
	Streams    int            `json:"streams_opened"`
	Cut        int            `json:"streams_cut"`
	SignedOut  int            `json:"signed_out"`
}

func newBook() *book {
	return &book{began: time.Now(), tally: tally{Wrong: map[string]int{}, Failed: map[string]int{}}, leaks: map[string]time.Duration{}, ends: map[string]string{}}
}

// maxNotes bounds what is said about one world.
const maxNotes = 12

// say keeps a line about something that should not have happened. The caller holds the lock.
func (b *book) say(format string, args ...any) {
	if len(b.notes) < maxNotes {
		at := time.Since(b.began).Seconds()
		b.notes = append(b.notes, fmt.Sprintf("%6.1f s  ", at)+fmt.Sprintf(format, args...))
	}
}

// note counts how a request ended.
func (b *book) note(who *browser, a answer) {
	if a.gone {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Requests++
	switch {
	case a.ok():
		b.OK++
	case a.err != nil:
		b.Failed["no answer"]++
	case a.status == 401:
		if !who.leaving.Load() {
			if b.Wrong[a.code]++; b.Wrong[a.code] <= 3 {
				b.say("%s: 401 %s from gateway %d", who.name, a.code, a.gateway)
			}
		}
	default:
		b.Failed[fmt.Sprintf("%d %s", a.status, a.code)]++
	}
	if a.trouble() && !b.mended.IsZero() && a.sent.After(b.mended) {
		b.lastTrouble = a.sent
	}
}

func (b *book) healed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Healed++
}

func (b *book) refused() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Refused++
}

// cookies counts responses that clear the handle though nobody signed out, and those
// with more than one cookie of ours, of which some proxies pass on only the first.
func (b *book) cookies(cleared bool, carried int) {
	if !cleared && carried < 2 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if cleared {
		b.Cleared++
	}
	if carried > 1 {
		b.TwoCookies++
	}
}

func (b *book) streamOpened() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Streams++
}

func (b *book) streamCut(age time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Cut++; b.Cut <= 3 {
		b.say("an event stream was cut after %.1f s", age.Seconds())
	}
}

// streamEnded notes that a stream said its session was over. Whether that was true
// shows at the end.
func (b *book) streamEnded(who *browser, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ends[who.name] = reason
}

// streamLied counts a stream that said so of a session that lives.
func (b *book) streamLied(who *browser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if reason, said := b.ends[who.name]; said {
		b.Cut++
		b.say("%s is signed in, and an event stream said that its session had ended: %s", who.name, reason)
	}
}

func (b *book) signedOut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.SignedOut++
}

func (b *book) answeredAfterSignOut(who *browser, gateway int, late time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.leaks[who.name]; !known {
		b.say("%s signed out, and gateway %d answers %.1f s later", who.name, gateway, late.Seconds())
	}
	b.leaks[who.name] = max(b.leaks[who.name], late)
}

// mend notes that the fault is over.
func (b *book) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mended = time.Now()
}

// remark keeps a line of a scenario's.
func (b *book) remark(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.say(format, args...)
}

// wrong keeps what a scenario's own actors found.
func (b *book) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrongs = append(b.wrongs, fmt.Sprintf(format, args...))
}

// recovered is how long requests failed after the fault was over. never: they still did at the end.
func (b *book) recovered() (after time.Duration, never bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lastTrouble.IsZero() {
		return 0, false
	}
	return b.lastTrouble.Sub(b.mended), time.Since(b.lastTrouble) < time.Second
}
