package refresh

import (
	"testing"
	"time"

	"sessiongate/session"
)

// TestMarkIsPartOfWhatIsAsked: presentations with and without a mark, or with another
// one, share no refresh.
func TestMarkIsPartOfWhatIsAsked(t *testing.T) {
	plain := session.Presentation{ID: "id", Generation: 3, BrowserClass: "b"}
	one, two := plain, plain
	one.Marked, two.Marked = time.UnixMilli(1), time.UnixMilli(2)
	keys := make(map[runKey]bool)
	for _, p := range []session.Presentation{plain, one, two} {
		keys[keyOf(p)] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d of three", len(keys))
	}
}
