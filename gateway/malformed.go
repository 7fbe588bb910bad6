package gateway

import (
	"net/http"
	"strings"

	"sessiongate/gateway/exchange"
)

// malformed says what makes a request of HTTP/2 malformed that net/http's server lets pass,
// or nothing. Requests of HTTP/1 were judged by their bytes (gateway/http1/server).
func malformed(r *http.Request, scheme string) string {
	if r.ProtoMajor != 2 {
		return ""
	}
	if hosts := r.Header["Host"]; len(hosts) > 1 || len(hosts) == 1 && exchange.CanonicalHost(scheme, hosts[0]) != exchange.CanonicalHost(scheme, r.Host) {
		return "The field host says something else than :authority (RFC 9113 section 8.3.1)."
	}
	lengths := r.Header["Content-Length"]
	if len(lengths) == 0 {
		return ""
	}
	zero := strings.Trim(lengths[0], "0") == ""
	switch {
	case len(lengths) > 1 || lengths[0] == "" || strings.Trim(lengths[0], "0123456789") != "":
		return "The field content-length is not one number, said once (RFC 9110 section 8.6)."
	case r.ContentLength == 0 && !zero:
		return "The field content-length announces a body, and there is none (RFC 9113 section 8.1.1)."
	}
	return ""
}
