package exchange

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"

	"sessiongate/web"
)

// Page sends one of our own HTML pages with the headers they all share.
func (r *Responder) Page(x *Exchange, status int, render func(*bytes.Buffer) error) {
	r.PageUnder(r.o.Pages.CSP(), x, status, render)
}

// PageUnder is page with another Content-Security-Policy.
func (r *Responder) PageUnder(csp string, x *Exchange, status int, render func(*bytes.Buffer) error) {
	var body bytes.Buffer
	if err := render(&body); err != nil {
		r.o.Log.LogAttrs(x.Request.Context(), slog.LevelError, "page",
			slog.String("request_id", x.Client.RequestID), slog.String("error", err.Error()))
		x.MarkProblem("internal_error")
		http.Error(x, "page not available", http.StatusInternalServerError)
		return
	}
	r.Send(x, status, csp, body.Bytes())
}

// Bounce makes the browser repeat a navigation that began on another site, now
// from our own origin, so that the Strict cookie comes along.
func (r *Responder) Bounce(x *Exchange) {
	x.Header().Set("Vary", "Sec-Fetch-Site, Cookie")
	r.Send(x, http.StatusOK, web.BounceCSP(), []byte(r.Edition(x.Request).Bounce()))
}

func pageHeaders(h http.Header, csp string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", csp)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Not "no-referrer": the login form would then post with "Origin: null".
	if h.Get("Referrer-Policy") == "" {
		h.Set("Referrer-Policy", "same-origin")
	}
}

// Send sends an HTML page that is already rendered, in the edition for this request.
func (r *Responder) Send(x *Exchange, status int, csp string, body []byte) {
	pageHeaders(x.Header(), csp)
	x.Header().Set("Content-Language", r.Edition(x.Request).Language())
	x.Header().Add("Vary", "Accept-Language")
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
}

// Done answers with the page at which a sign-in in a window of its own ends. It is the same for
// everybody: whoever opens it without having signed in learns nothing and changes nothing.
func (r *Responder) Done(x *Exchange) {
	done := r.done[r.Edition(x.Request)]
	r.Send(x, http.StatusOK, done.CSP, done.Body)
}
