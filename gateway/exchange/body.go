package exchange

import (
	"errors"
	"io"
	"net/http"

	"sessiongate/gateway/problem"
)

// ReadBody reads the request's body to its end, up to limit bytes. The error is a problem for the
// client: the body is larger, or was cut off.
func ReadBody(x *Exchange, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(x, x.Request.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problem.PayloadTooLarge()
	case err != nil:
		return nil, problem.BadRequest("The body could not be read.", err)
	}
	return body, nil
}
