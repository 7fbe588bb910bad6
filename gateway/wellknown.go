package gateway

import (
	"net/http"
	"strconv"
)

// jwks publishes the local provider's public keys (RFC 7517 §5).
func (s *Server) jwks(x *exchange) error {
	return sendDocument(x, "application/jwk-set+json", s.keySet)
}

// authorizationServer publishes the local provider's metadata (RFC 8414 §3).
func (s *Server) authorizationServer(x *exchange) error {
	return sendDocument(x, "application/json", s.metadata)
}

func sendDocument(x *exchange, kind string, body []byte) error {
	h := x.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	x.WriteHeader(http.StatusOK)
	_, err := x.Write(body)
	return err
}
