package proxy

import "testing"

// A stream of frames has its boundaries where they are, however the bytes arrive; and foreign bytes
// break nothing.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x82, 0x01, 'x', 0x88, 0x00}, uint8(1))
	f.Add(append([]byte{0x82, 126, 0, 200}, make([]byte, 200)...), uint8(3))
	f.Add([]byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, uint8(7))
	f.Add([]byte{0x82, 0x81, 1, 2, 3, 4, 'x'}, uint8(2))
	f.Add([]byte{0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255}, uint8(4))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var whole, parts frames
		whole.advance(stream)
		for rest := stream; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			parts.advance(rest[:n])
			rest = rest[n:]
		}
		if whole.boundary() != parts.boundary() || whole.left != parts.left || whole.have != parts.have {
			t.Errorf("at once %+v, in steps of %d %+v", whole, int(step)+1, parts)
		}
		whole = frames{}
		whole.advance(closeFrame(4401, string(stream)))
		if !whole.boundary() {
			t.Error("a close frame does not end")
		}
	})
}
