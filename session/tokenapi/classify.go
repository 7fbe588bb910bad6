package tokenapi

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessiongate/session"
)

// refusal is a no. What it means for the session is the caller's to say.
type refusal struct {
	what    string
	status  int
	meaning Meaning // what kind of no
	// ownWord says that the configuration knows the answer as a no, or that the body is JSON, as the
	// API's answers are. An empty body or a page may come from a proxy in front of the API, or be
	// all that the API ever says.
	ownWord bool
}

// Error implements error.
func (r *refusal) Error() string {
	switch {
	case !r.ownWord:
		return fmt.Sprintf("the API, or a proxy in front of it, answered %d without JSON to %s", r.status, r.what)
	case r.meaning != MeansRefused:
		return fmt.Sprintf("the API answered %d to %s, which means %s", r.status, r.what, r.meaning)
	}
	return fmt.Sprintf("the API answered %d to %s", r.status, r.what)
}

// maxRetryAfter bounds what an API can ask for: a slip in a header must not silence us for a day.
const maxRetryAfter = 5 * time.Minute

// judge sorts an answer: nil for success, *refusal, or [*session.FaultError]. What the
// configuration says of it comes first, then the status.
func (c *endpoint) judge(r *reply, now time.Time) error {
	means := c.answers.meaning(r)
	success := r.status >= 200 && r.status < 300
	switch {
	case means == MeansOK, means == "" && success && !c.answers.sayOK():
		return nil
	case means == "" && success:
		return &session.FaultError{
			Misconfigured: true, Err: fmt.Errorf("the API answered %d to %s, and no line of answers says what that means", r.status, c.what),
		}
	case means == "":
		return c.judgeStatus(r, now)
	case means == MeansFault:
		return &session.FaultError{
			RetryAfter: retryAfter(r.header.Get("Retry-After"), now),
			Err:        fmt.Errorf("the API answered %d to %s, which means a fault", r.status, c.what),
		}
	}
	return &refusal{c.what, r.status, means, true}
}

// judgeStatus sorts an answer that is no success and of which the configuration says nothing.
func (c *endpoint) judgeStatus(r *reply, now time.Time) error {
	code := r.oauthError()
	fault := &session.FaultError{Err: fmt.Errorf("the API answered %d to %s", r.status, c.what)}
	switch {
	case code == "invalid_client" || code == "unauthorized_client":
		// RFC 6749 §5.2: it is the gateway that was refused, and no user; but some say
		// unauthorized_client of a dead token.
		fault.Err = fmt.Errorf("the API refused the gateway (%s) at %s", code, c.what)
		fault.Misconfigured, fault.Doubt = true, code == "unauthorized_client"
	case r.fieldMissing():
		fault.Err = fmt.Errorf("the API misses a field of the %s request (%d): the names, or the encoding, do not fit it", c.what, r.status)
		fault.Misconfigured = true
	case session.AboutUser(code), slices.Contains(c.refused, r.status):
		return &refusal{c.what, r.status, MeansRefused, r.ownWord()}
	case r.status >= 300 && r.status < 400:
		fault.Err = fmt.Errorf("the API answered %d to %s, and redirects are not followed: does the path lack a slash at its end, or have one too many?", r.status, c.what)
		fault.Misconfigured = true
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed, r.status == http.StatusUnsupportedMediaType:
		fault.Misconfigured = true
		if c.what == "refresh" && r.status == http.StatusNotFound && r.ownWord() {
			fault.Err = fmt.Errorf("%w: if that is its word for a dead token, a line of refresh.answers has to say so", fault.Err)
		}
	case r.status == http.StatusTooManyRequests && c.what == "login":
		return &refusal{c.what, r.status, MeansTooManyAttempts, true}
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooEarly, r.status == http.StatusTooManyRequests:
	case r.status >= 400 && r.status < 500:
		// It may well be about this token, although the configuration does not list it under
		// refused.
		fault.Doubt = true
		if c.what == "refresh" {
			fault.Err = fmt.Errorf("%w, which refresh.refused does not list: a dead token, perhaps", fault.Err)
		}
	}
	fault.RetryAfter = retryAfter(r.header.Get("Retry-After"), now)
	return fault
}

// ownWord reports whether the body is JSON that says something. A number is none: a page may
// consist of its status.
func (r *reply) ownWord() bool {
	doc, err := r.json()
	if err != nil {
		return false
	}
	switch doc.(type) {
	case map[string]any, []any, string:
		return true
	}
	return false
}

// oauthError is the error code of RFC 6749 §5.2, if the answer has one.
func (r *reply) oauthError() string {
	if r.status != http.StatusBadRequest && r.status != http.StatusUnauthorized {
		return ""
	}
	doc, err := r.json()
	if err != nil {
		return ""
	}
	return fieldText(doc, "error")
}

// fieldMissing recognises FastAPI's way to say that a request lacks a field: then it is the
// configuration that does not fit, and "wrong password" would send everybody the wrong way.
func (r *reply) fieldMissing() bool {
	if r.status != http.StatusUnprocessableEntity && r.status != http.StatusBadRequest { // as some apps make of it
		return false
	}
	doc, err := r.json()
	if err != nil {
		return false
	}
	list, _ := lookup(doc, "detail")
	entries, _ := list.([]any)
	for _, entry := range entries {
		if isMissing(entry) || isNoBody(entry) {
			return true
		}
	}
	return false
}

// isMissing reads one of FastAPI's complaints: Pydantic 1 says value_error.missing, 2 says missing.
func isMissing(complaint any) bool {
	kind := fieldText(complaint, "type")
	return kind == "missing" || kind == "value_error.missing"
}

// isNoBody recognises the complaint about a form where JSON is wanted: the whole body is missing or,
// in the words of Pydantic 1 and 2, no object.
func isNoBody(complaint any) bool {
	v, _ := lookup(complaint, "loc")
	loc, _ := v.([]any)
	kind := fieldText(complaint, "type")
	return len(loc) == 1 && loc[0] == "body" && (isMissing(complaint) || kind == "type_error.dict" || kind == "model_attributes_type")
}

// retryAfter reads the header of RFC 9110 §10.2.3; 0 if there is none to go by.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}
