package endpoints

import (
	"net/http"
	"strconv"

	"sessiongate/gateway/exchange"
)

// documents are the same for everybody.
type documents struct{ *Options }

// jwks publishes the local provider's public keys (RFC 7517 §5).
func (s *documents) jwks(x *exchange.Exchange) error {
	return sendDocument(x, "application/jwk-set+json", s.KeySet)
}

// authorizationServer publishes the local provider's metadata (RFC 8414 §3).
func (s *documents) authorizationServer(x *exchange.Exchange) error {
	return sendDocument(x, "application/json", s.Metadata)
}

func sendDocument(x *exchange.Exchange, kind string, body []byte) error {
	h := x.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	x.WriteHeader(http.StatusOK)
	_, err := x.Write(body)
	return err
}
