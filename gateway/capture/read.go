package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"sessiongate/gateway/masking"
)

// maxAnswer bounds an answer that is read whole. Answers to a sign-in have a few KiB.
const maxAnswer = 1 << 20

var (
	errLarge   = errors.New("the answer to a captured request is larger than 1 MiB")
	errBroken  = errors.New("the answer to a captured request is no JSON, though it says so")
	errAborted = errors.New("the answer to a captured request broke off, or took too long")
)

// readJSON reads the body of an answer that may hold tokens, if it is JSON. nil: it is not, and is as
// it was. What it has read is in the place of the body, without a content coding. The error says why
// the answer must not be passed on.
func readJSON(res *http.Response, method string, within time.Duration) ([]byte, error) {
	kind := masking.KindOf(res.Header)
	if kind != masking.JSON && kind != masking.Sniff || res.StatusCode == http.StatusPartialContent ||
		method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.Body == http.NoBody || res.ContentLength == 0 {
		return nil, nil
	}
	src, coded, err := masking.Plain(res.Header, res.Body)
	if err != nil {
		return nil, err
	}
	if coded {
		res.ContentLength = -1
		masking.Forget(res.Header)
	}
	res.Body = src
	late := time.AfterFunc(within, func() { _ = src.Close() })
	defer late.Stop()
	body, err := io.ReadAll(io.LimitReader(src, maxAnswer+1))
	switch {
	case err != nil:
		return nil, errAborted
	case kind == masking.Sniff && !beginsAsJSON(body):
		// It is for people, whatever its length.
		res.Body = rest{io.MultiReader(bytes.NewReader(body), src), src}
		return nil, nil
	case len(body) > maxAnswer:
		return nil, errLarge
	case !json.Valid(bytes.TrimPrefix(body, []byte("\ufeff"))):
		return nil, errBroken
	}
	replaceBody(res, body)
	return bytes.TrimPrefix(body, []byte("\ufeff")), nil
}

// beginsAsJSON reports whether a script would take a text for JSON.
func beginsAsJSON(body []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	return len(text) > 0 && strings.IndexByte(`{["`, text[0]) >= 0
}
