package session

import (
	"bytes"
	"testing"
	"time"
)

func TestMark(t *testing.T) {
	h := NewHandle(Browser).At(7)
	k := StaleMark{h.ID(), h.Generation(), time.UnixMilli(1_800_000_000_123).UTC()}
	got, ok := ParseStaleMark(k.Payload())
	if !ok || got != k {
		t.Errorf("%+v, want %+v", got, k)
	}
	if (StaleMark{ID: "no id"}).Payload() != nil {
		t.Error("a mark for what is no session")
	}
}

func FuzzMark(f *testing.F) {
	f.Add(StaleMark{NewHandle(Browser).ID(), 1, time.UnixMilli(1)}.Payload())
	f.Add([]byte("nonsense"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, ok := ParseStaleMark(b)
		if ok != (len(b) == markSize) || ok && !bytes.Equal(k.Payload(), b) {
			t.Errorf("%x is read as %+v", b, k)
		}
	})
}
