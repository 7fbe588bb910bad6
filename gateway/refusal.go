package gateway

import (
	"strconv"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

func problemCrossOrigin(f crossFacts) *problem.Problem {
	from := "another site"
	if f.origin != "" && f.origin != "null" {
		from = "the origin " + strconv.Quote(session.PlainText(f.origin, 100))
	}
	return &problem.Problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "The request comes from " + from + ". If that origin is yours, list it in cross_origin.allowed_origins.",
	}
}

func problemWantHeader() *problem.Problem {
	return &problem.Problem{
		Status: 403, Code: "cross_origin_refused", Title: "Cross-origin request refused",
		Detail: "A request that changes something and sends our cookie without an Origin or Sec-Fetch-Site header " +
			"must carry X-Requested-With. For curl: -H 'X-Requested-With: curl'; in Postman add that header.",
	}
}
