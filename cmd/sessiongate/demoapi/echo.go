package demoapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// echoAnswer shows a request as the API received it, but never the token itself.
type echoAnswer struct {
	Method string `json:"method"`
	// Path and Query are the bytes of the request line. Query is null without a
	// question mark, so that /x? can be told from /x.
	Path    string              `json:"path"`
	Query   *string             `json:"query"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	// BodyBase64 stands in for Body when that is not UTF-8, which JSON cannot carry.
	BodyBase64 string    `json:"body_base64,omitempty"`
	Token      echoToken `json:"token"`
}

type echoToken struct {
	Fingerprint string `json:"fingerprint"`
	Subject     string `json:"sub"`
	Expires     int64  `json:"exp"` // seconds since 1970
	ID          string `json:"jti"`
}

func (a *API) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, "payload_too_large", "The body may have 1 MiB.")
		return
	case err != nil:
		writeProblem(w, http.StatusBadRequest, "bad_request", "The body could not be read.")
		return
	}
	shown := tokenOf(r)
	path, query, asked := strings.Cut(r.RequestURI, "?")
	answer := echoAnswer{
		Method:  r.Method,
		Path:    path,
		Headers: echoHeaders(r),
		Token: echoToken{
			Fingerprint: fingerprint(shown.raw),
			Subject:     shown.claims.Subject,
			Expires:     shown.claims.ExpiresAt.Unix(),
			ID:          shown.claims.ID,
		},
	}
	if asked {
		answer.Query = &query
	}
	if utf8.Valid(body) {
		answer.Body = string(body)
	} else {
		answer.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	writeJSON(w, http.StatusOK, answer)
}

// echoHeaders returns the headers under lower-case names, with the two that
// net/http keeps elsewhere, and the token reduced to its fingerprint.
func echoHeaders(r *http.Request) map[string][]string {
	headers := make(map[string][]string, len(r.Header)+2)
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = values
	}
	headers["host"] = []string{r.Host}
	if len(r.TransferEncoding) > 0 {
		headers["transfer-encoding"] = r.TransferEncoding
	}
	headers["authorization"] = []string{fingerprint(tokenOf(r).raw)}
	return headers
}

// fingerprint tells tokens apart without giving them away: the first 8 hex digits
// of the SHA-256.
func fingerprint(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:4])
}
