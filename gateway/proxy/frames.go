package proxy

import "encoding/binary"

// Close codes of RFC 6455 §7.4.1.
const closeGoingAway = 1001

// frames follows the frames of a WebSocket in one direction (RFC 6455 §5.2), to know where one
// ends. It looks at headers only and keeps nothing.
type frames struct {
	header [14]byte
	have   int    // bytes of the header seen
	left   uint64 // bytes of the payload to come
}

// advance takes the next bytes of the connection.
func (f *frames) advance(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			continue
		}
		f.header[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have >= 2 && f.have == f.need() {
			f.left, f.have = f.payload(), 0
		}
	}
}

// boundary reports whether the next byte begins a frame.
func (f *frames) boundary() bool { return f.have == 0 && f.left == 0 }

// need is the length of the header, known from its first two bytes.
func (f *frames) need() int {
	n := 2
	switch f.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.header[1]&0x80 != 0 {
		n += 4 // the mask
	}
	return n
}

func (f *frames) payload() uint64 {
	switch n := f.header[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(n)
	}
}

// closeFrame is a server's close frame, unmasked (RFC 6455 §5.5.1). The reason is cut to what fits.
func closeFrame(code int, reason string) []byte {
	const most = 125 - 2
	reason = reason[:min(len(reason), most)]
	b := make([]byte, 0, 4+len(reason))
	b = append(b, 0x88, byte(2+len(reason)))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}
