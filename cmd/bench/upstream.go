package main

import (
	"bytes"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// fixed is an upstream that answers every request with the same bytes: nothing that speaks HTTP in
// Go is faster, so the upstream is not what is measured. Requests have no bodies.
type fixed struct {
	answer  []byte
	vanish  float64 // share of requests at which it goes away
	bearer  []byte  // its answers at bearerPath: there was a token,
	without []byte  // or none
}

// bearerPath is where the upstream says whether a request carries a bearer token.
const bearerPath = "/api/bearer"

// serveFixed answers on every connection until the listener closes.
func serveFixed(l net.Listener, size int, vanish float64) error {
	const start = "Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: "
	f := &fixed{
		answer: []byte("HTTP/1.1 200 OK\r\n" + start + strconv.Itoa(size) + "\r\n\r\n" + strings.Repeat("x", size)),
		vanish: vanish,
		bearer: []byte("HTTP/1.1 200 OK\r\n" + start + "2\r\n\r\n{}"), without: []byte("HTTP/1.1 418 No token\r\n" + start + "2\r\n\r\n{}"),
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return nil //nolint:nilerr // the listener closes when the work is done
		}
		go f.serve(c)
	}
}

func (f *fixed) serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 16<<10)
	for n := 0; ; {
		more, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		n += more
		for {
			end := bytes.Index(buf[:n], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			answer, stay := f.answerTo(buf[:end+2])
			n = copy(buf, buf[end+4:n])
			if _, err := c.Write(answer); err != nil || !stay {
				return
			}
		}
		if n == len(buf) {
			return
		}
	}
}

// answerTo returns what to send, and whether the connection stays. An upstream that goes away does
// so before its answer, inside it, or after it without saying so: then the next request finds a
// dead connection.
func (f *fixed) answerTo(head []byte) (answer []byte, stay bool) {
	if bytes.HasPrefix(head, []byte("GET "+bearerPath+" ")) {
		if bytes.Contains(bytes.ToLower(head), []byte("\nauthorization: bearer ")) {
			return f.bearer, true
		}
		return f.without, true
	}
	if f.vanish > 0 && rand.Float64() < f.vanish { //nolint:gosec // chance, not a secret
		return f.answer[:rand.IntN(3)*len(f.answer)/2], false //nolint:gosec // the same
	}
	return f.answer, true
}
