package exchange

import (
	"encoding/json"
	"net/http"
	"strconv"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// failJSON answers a program (RFC 9457).
func (r *Responder) failJSON(x *Exchange, p *problem.Problem) {
	doc := struct {
		Type       string         `json:"type"`
		Title      string         `json:"title"`
		Status     int            `json:"status"`
		Detail     string         `json:"detail"`
		Code       string         `json:"code"`
		Reason     session.Reason `json:"reason,omitempty"`
		Step       map[string]any `json:"step,omitempty"`
		RequestID  string         `json:"request_id"`
		LoginURL   string         `json:"login_url,omitempty"`
		RetryAfter int            `json:"retry_after,omitempty"`
	}{
		Type: "urn:sessiongate:problem:" + p.Code, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code,
		Reason: p.Reason, Step: p.Step(), RequestID: x.Client.RequestID, RetryAfter: problem.Seconds(p.RetryAfter),
	}
	if p.SignIn.Helps || p.SignIn.MayHelp {
		doc.LoginURL = r.o.Site.LoginPage
		if ask := p.SignIn.Query(); ask != "" {
			doc.LoginURL = r.loginPath(p) + "?" + ask
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		body = []byte(`{"code":"internal_error","status":500}`)
	}
	x.Header().Set("Content-Type", "application/problem+json")
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(p.Status)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
}
