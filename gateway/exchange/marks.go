package exchange

import (
	"net/http"
	"strings"
)

// Header fields that only the gateway sets. What an upstream sends under their prefix, the proxy
// has dropped.
const (
	// ProblemHeader is on every problem of the gateway itself, with its code. A page may trust it:
	// no application and no server in between says it by accident, so a 401, 429 or 503 that has it,
	// and has no UpstreamHeader, is of a request that did not reach the application.
	ProblemHeader = "X-Sessiongate-Problem"
	// UpstreamHeader has the status that an application answered, where it could be taken for the
	// gateway's: on a 401, 429 and 503. Such a 401 ends no session, and such a 503 proves nothing.
	UpstreamHeader = "X-Sessiongate-Upstream"
	// RetryHeader, with the value 1, says that the application refused the token without doing
	// anything, and that the same request would now go out with a new one.
	RetryHeader = "X-Sessiongate-Retry"
)

// ownPrefix begins the names of the fields that only the gateway sets.
const ownPrefix = "X-Sessiongate-"

// MarkProblem notes in the header that the answer is a problem of the gateway itself, and which.
// [Responder.Fail] does so; a page that is not rendered there does it before its header goes out.
func (x *Exchange) MarkProblem(code string) { x.Header()[ProblemHeader] = []string{code} }

// exposeMarks lets a page of another origin read those fields, where a response has them (Fetch
// §3.3.3), and how long to wait.
func exposeMarks(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, ownPrefix) {
			h.Add("Access-Control-Expose-Headers", name)
		}
	}
	if h[ProblemHeader] != nil && h["Retry-After"] != nil {
		h.Add("Access-Control-Expose-Headers", "Retry-After")
	}
}
