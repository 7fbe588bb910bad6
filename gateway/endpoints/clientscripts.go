package endpoints

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"sessiongate/gateway/exchange"
)

// script is a file of the client library.
type script struct {
	body      []byte
	kind, tag string
}

// newScript knows the type of a file by its name. MIME tables of the system would not do: for some
// of them .ts is a video.
func newScript(name string, body []byte) *script {
	s := &script{body: body, kind: "text/javascript; charset=utf-8"}
	if strings.HasSuffix(name, ".d.ts") {
		s.kind = "text/plain; charset=utf-8"
	}
	sum := sha256.Sum256(body)
	s.tag = `"` + hex.EncodeToString(sum[:8]) + `"`
	return s
}

// serve answers with the file, byte for byte. It is the same for everybody, so it
// may be stored, but is asked for again: it goes with the gateway's version.
func (s *script) serve(x *exchange.Exchange) error {
	h := x.Header()
	h.Set("Content-Type", s.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", s.tag)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if x.Request.Header.Get("If-None-Match") == s.tag {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(s.body)))
	x.WriteHeader(http.StatusOK)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(s.body)
	}
	return nil
}
