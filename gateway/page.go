package gateway

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"

	"sessiongate/web"
)

// page sends one of our own HTML pages with the headers they all share.
func (s *Server) page(x *exchange, status int, render func(*bytes.Buffer) error) {
	s.pageUnder(s.pages.CSP(), x, status, render)
}

// pageUnder is page with another Content-Security-Policy.
func (s *Server) pageUnder(csp string, x *exchange, status int, render func(*bytes.Buffer) error) {
	var body bytes.Buffer
	if err := render(&body); err != nil {
		s.log.LogAttrs(x.r.Context(), slog.LevelError, "page",
			slog.String("request_id", x.client.RequestID), slog.String("error", err.Error()))
		http.Error(x, "page not available", http.StatusInternalServerError)
		return
	}
	pageHeaders(x.Header(), csp)
	s.sendPage(x, status, body.Bytes())
}

// bounce makes the browser repeat a navigation that began on another site, now
// from our own origin, so that the Strict cookie comes along (DESIGN §5).
func (s *Server) bounce(x *exchange) {
	h := x.Header()
	pageHeaders(h, web.BounceCSP())
	h.Set("Vary", "Sec-Fetch-Site, Cookie")
	s.sendPage(x, http.StatusOK, []byte(web.Bounce))
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

func (s *Server) sendPage(x *exchange, status int, body []byte) {
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.Write(body)
	}
}
