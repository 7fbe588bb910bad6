package tokenapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// findings judges the answer to a request that had nothing in it: a no is what it should be.
func (s *survey) findings(x *probe) []Finding {
	fatal := func(text string) []Finding { return []Finding{{x.matters(s.options), x.what, text}} }
	worth := func(text string) []Finding { return []Finding{{false, x.what, text}} }
	r := x.reply
	if r == nil {
		if x.err == nil {
			return nil // its server is a finding already
		}
		return fatal(explain(x.err, x.url))
	}
	says := "answers " + statusText(r.status)
	switch meaning := x.meaning(); {
	case meaning == MeansOK:
		return fatal(says + ", which a line of answers calls ok, to a request without credentials: " +
			"write a condition that only a sign-in meets, such as \"ok: " + s.access[0].String() + "=*\"")
	case meaning == MeansFault:
		return worth(says + ", which a line of answers calls a fault")
	case meaning != "":
		return nil
	case r.status < 300:
		return s.successFindings(x)
	case r.status < 400:
		return fatal(says + redirectText(r, x.url, x.what))
	case r.status == http.StatusBadRequest && r.wantsTLS():
		return fatal(says + ", as the port wants TLS: " + otherScheme(x.url))
	case slices.Contains(x.refused, r.status) && r.ownWord():
		return x.missingFindings()
	}
	switch r.status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		if r.isHTML() {
			return worth(says + " with an HTML page: is that the API, or a proxy or a CSRF check in front of it? " +
				"The path must lead to an endpoint for programs")
		}
		return append(x.missingFindings(), x.unlistedFindings()...)
	case http.StatusNotFound, http.StatusGone:
		if found := x.notFoundFindings(); found != nil {
			return found
		}
		return fatal(says + ": no such endpoint. " + pathAdvice(x.what) +
			", as the API's documentation has it; mind a prefix such as /api, and a slash at the end" + x.absence(s.options))
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if r.isHTML() || r.status == http.StatusNotImplemented {
			return fatal(says + " to " + x.method + ", as servers of files do: " + siteQuestion + " Else " + methodAdvice(r, x.what, x.method))
		}
		return fatal(says + " to " + x.method + ": " + methodAdvice(r, x.what, x.method))
	case http.StatusUnsupportedMediaType:
		return fatal(says + ": " + encodingAdvice(x))
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return worth(says + ": it is there, and takes no more requests at the moment; check again later")
	}
	if r.status >= 500 {
		return fatal(says + serverFaultText(r, x.what))
	}
	return worth(says + ", which is neither yes nor no: if it is the API's word for wrong credentials, add it to " +
		x.what + ".refused")
}

// siteQuestion is about an answer as a site gives it, such as that of an app's development server.
const siteQuestion = "is base_url your API, and not a server of files or pages?"

// absence says how to write that an API has no such endpoint, where it need not have one.
func (x *probe) absence(o *Options) string {
	if x.what == "login" || x.what == "me" && x.matters(o) {
		return ""
	}
	return "; or, if there is none, " + x.what + `: {path: ""}`
}

// meaning is what the configured lines say of the answer.
func (x *probe) meaning() Meaning {
	lines, err := parseAnswers(x.what, x.configured.Answers)
	if err != nil {
		return "" // cannot be: the provider was made with them
	}
	return lines.meaning(x.reply)
}

// matters reports whether sessions depend on the endpoint: an identity that is read elsewhere does
// not ask me.
func (x *probe) matters(o *Options) bool { return x.what != "me" || o.Identity.From == FromMe }

// successFindings judges a yes to a request that had nothing in it.
func (s *survey) successFindings(x *probe) []Finding {
	r := x.reply
	says := "answers " + statusText(r.status)
	doc, err := r.json()
	subject := ""
	if err == nil {
		subject = fieldText(doc, s.options.Identity.Subject)
	}
	switch token := r.first(s.access); {
	case x.what != "me" && token != "":
		return []Finding{{true, x.what, says + " and gives a token to a request without credentials: " +
			"anybody would be signed in. Is this the right path, and is that the API that checks passwords?"}}
	case r.isHTML():
		return []Finding{{x.matters(s.options), x.what, says + " with an HTML page: the path leads to a site and not to the API; " + siteQuestion + " " +
			pathAdvice(x.what) + ", and base_url: the API's own address"}}
	case x.what == "me" && subject != "":
		return []Finding{{true, x.what, says + " and describes a user (" + s.options.Identity.Subject + ") to a request without a token: " +
			"write me: {path: …} with an endpoint that asks for the token"}}
	case x.what == "me":
		return []Finding{{false, x.what, says + " to a request without a token, with nobody under the name " +
			s.options.Identity.Subject + ": an endpoint that answers 401 tells more"}}
	case err != nil:
		return []Finding{{true, x.what, says + " without JSON: " + pathAdvice(x.what) + " that answers JSON"}}
	}
	if len(x.configured.Answers) > 0 { // an empty request may be refused by another code than a wrong one
		return []Finding{{false, x.what, says + " to a request without credentials, and no line of answers holds of it; it has " +
			strings.Join(codeFields(doc), ", ")}}
	}
	return []Finding{{true, x.what, says + " to a request without credentials. If it says no by a field of its answer (" +
		strings.Join(codeFields(doc), ", ") + "), write " + x.what + `: {answers: ["ok: FIELD=0", "refused: FIELD=CODE"]}`}}
}

// codeFields are the members of an answer by which an API may say yes and no; "code" where none
// looks like it.
func codeFields(doc any) (names []string) {
	members, _ := doc.(map[string]any)
	for _, name := range []string{"code", "status", "success", "ok", "error", "errors", "errno", "errcode", "error_code", "ret", "result", "state"} {
		if v, there := members[name]; there {
			names = append(names, name+": "+kindOf(v))
		}
	}
	if len(names) == 0 {
		return []string{"such as code"}
	}
	return names
}

// kindOf names a JSON value by its type and nothing else.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case map[string]any:
		return "object"
	case []any:
		return "list"
	}
	return "number"
}

func statusText(status int) string { return strconv.Itoa(status) }

// pathAdvice says where the path of an endpoint is written.
func pathAdvice(what string) string { return "Write " + what + ": {path: /…}" }

// redirectText says where a redirect leads, as far as it helps: never its query, nor the parameters
// of its path (RFC 3986 §3.3), which may hold an id of a session.
func redirectText(r *reply, from *url.URL, what string) string {
	to, err := from.Parse(r.header.Get("Location"))
	if err == nil {
		to.Path, _, _ = strings.Cut(to.Path, ";")
	}
	advice := ", a redirect, and redirects are not followed: "
	switch {
	case err != nil || r.header.Get("Location") == "":
		return advice + pathAdvice(what) + " with the path that answers itself"
	case to.Scheme == "https" && from.Scheme == "http":
		return advice + "write base_url: https://" + shortText(to.Host)
	case to.Host != from.Host:
		return advice + "write base_url: " + to.Scheme + "://" + shortText(to.Host)
	case to.Path == from.Path+"/":
		return advice + "write " + what + ": {path: …} with a slash at its end, " + shortText(to.Path)
	case to.Path+"/" == from.Path:
		return advice + "write " + what + ": {path: …} without the slash at its end, " + shortText(to.Path)
	}
	return advice + "it leads to " + shortText(to.Path) + ", a page perhaps. " + pathAdvice(what) + " with the path for programs"
}

// shortText is text of the API as it may stand in a line: bounded, and nothing but what can be seen.
func shortText(text string) string {
	text = fmt.Sprintf("%.100q", text)
	return text[1 : len(text)-1]
}

// methodAdvice reads Allow (RFC 9110 §10.2.1).
func methodAdvice(r *reply, what, method string) string {
	var allowed []string
	for field := range strings.SplitSeq(strings.Join(r.header.Values("Allow"), ","), ",") {
		field = strings.TrimSpace(field)
		if slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, field) && field != method {
			allowed = append(allowed, field)
		}
	}
	switch {
	case what == "login" && slices.Equal(allowed, []string{"GET"}):
		return "only GET is allowed there, so that it is a page. " + pathAdvice(what) + " with the path for programs"
	case len(allowed) > 0:
		return "write " + what + ": {method: " + strings.Join(allowed, "} or {method: ") + "}"
	}
	return "write another " + what + ": {method: …}, or another path"
}

func encodingAdvice(x *probe) string {
	switch {
	case x.body == nil:
		return "it wants a body: write " + x.what + ": {body: \"{}\"}"
	case x.configured.Encoding == Form:
		return "write " + x.what + ": {encoding: json}"
	}
	return "write " + x.what + ": {encoding: form}"
}

func serverFaultText(r *reply, what string) string {
	switch r.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return ": what stands in front of the API does not reach it. Start the API, or correct base_url"
	}
	text := " to an empty request: look at the API's log"
	if r.isHTML() {
		return text + "; a framework that misses a slash at the end of " + what + ".path may say so there"
	}
	return text + ". If it is only that emptiness that it cannot take, sign-ins work: `sessiongate check --try USER` shows it"
}

// isHTML reports whether the answer is a page for people.
func (r *reply) isHTML() bool {
	if strings.HasPrefix(strings.ToLower(r.header.Get("Content-Type")), "text/html") {
		return true
	}
	begin := bytes.ToLower(bytes.TrimSpace(r.data[:min(len(r.data), 512)]))
	return bytes.HasPrefix(begin, []byte("<!doctype html")) || bytes.HasPrefix(begin, []byte("<html"))
}

// wantsTLS recognises how servers answer plain HTTP on a port for TLS: Go's, nginx and Apache.
func (r *reply) wantsTLS() bool {
	return bytes.Contains(r.data, []byte("to an HTTPS server")) || bytes.Contains(r.data, []byte("to HTTPS port")) ||
		bytes.Contains(r.data, []byte("plain HTTP to an SSL-enabled server port"))
}
