package manager

import (
	"testing"
	"time"

	"sessiongate/session"
)

// TestMarkIsPartOfWhatIsAsked: visits with and without a mark, or with another one,
// share neither an answer nor a refresh.
func TestMarkIsPartOfWhatIsAsked(t *testing.T) {
	plain := session.Presentation{ID: "id", Generation: 3, BrowserClass: "b"}
	one, two := plain, plain
	one.Marked, two.Marked = time.UnixMilli(1), time.UnixMilli(2)
	questions, flights := make(map[readKey]bool), make(map[string]bool)
	for _, v := range []session.Presentation{plain, one, two} {
		questions[readKeyOf(v)], flights[flightKey(v)] = true, true
	}
	if len(questions) != 3 || len(flights) != 3 {
		t.Errorf("%d questions and %d flights of three", len(questions), len(flights))
	}
}
