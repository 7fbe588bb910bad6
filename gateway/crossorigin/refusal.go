package crossorigin

import (
	"strconv"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// Refusal is the answer to [Refuse]. It is 403 and never 401: a script must not take a refused
// request for a lost session.
func Refusal(f Facts) *problem.Problem {
	from := "another site"
	if f.Origin != "" && f.Origin != "null" {
		from = "the origin " + strconv.Quote(session.PlainText(f.Origin, 100))
	}
	return &problem.Problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "The request comes from " + from + ". If that origin is yours, list it in cross_origin.allowed_origins.",
	}
}

// HeaderMissing is the answer to [NeedsHeader].
func HeaderMissing() *problem.Problem {
	return &problem.Problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "A request that changes something and sends our cookie without an Origin or Sec-Fetch-Site header " +
			"must carry X-Requested-With. For curl: -H 'X-Requested-With: curl'; in Postman add that header.",
	}
}
