package session

import (
	"bytes"
	"testing"
	"time"
)

func TestMark(t *testing.T) {
	h := NewHandle(Browser).At(7)
	k := mark{h.ID(), h.Generation(), time.UnixMilli(1_800_000_000_123).UTC()}
	got, ok := parseMark(k.payload())
	if !ok || got != k {
		t.Errorf("%+v, want %+v", got, k)
	}
	if (mark{id: "no id"}).payload() != nil {
		t.Error("a mark for what is no session")
	}
}

func FuzzMark(f *testing.F) {
	f.Add(mark{NewHandle(Browser).ID(), 1, time.UnixMilli(1)}.payload())
	f.Add([]byte("nonsense"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, ok := parseMark(b)
		if ok != (len(b) == markSize) || ok && !bytes.Equal(k.payload(), b) {
			t.Errorf("%x is read as %+v", b, k)
		}
	})
}

// TestMarkIsPartOfWhatIsAsked: visits with and without a mark, or with another one,
// share neither an answer nor a refresh.
func TestMarkIsPartOfWhatIsAsked(t *testing.T) {
	plain := Presentation{ID: "id", Generation: 3, BrowserClass: "b"}
	one, two := plain, plain
	one.Marked, two.Marked = time.UnixMilli(1), time.UnixMilli(2)
	questions, flights := make(map[readKey]bool), make(map[string]bool)
	for _, v := range []Presentation{plain, one, two} {
		questions[readKeyOf(v)], flights[flightKey(v)] = true, true
	}
	if len(questions) != 3 || len(flights) != 3 {
		t.Errorf("%d questions and %d flights of three", len(questions), len(flights))
	}
}
