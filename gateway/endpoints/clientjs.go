package endpoints

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"sessiongate/gateway/exchange"
	"sessiongate/web"
)

// documents are the same for everybody.
type documents struct{ *Options }

// clientScript serves the client library. It is the same for everybody, so it
// may be stored, but is asked for again: it goes with the gateway's version.
func (s *documents) clientScript(x *exchange.Exchange) error {
	body := web.ClientScript()
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := x.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if x.Request.Header.Get("If-None-Match") == tag {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(http.StatusOK)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
	return nil
}
