package exchange

import (
	"encoding/json"
	"strconv"
)

// SendJSON answers with a document about the session: never stored, never framed
// by or leaked to another origin.
func (x *Exchange) SendJSON(status int, doc any) error {
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.WriteHeader(status)
	_, err = x.Write(body)
	return err
}
