package endpoints

import (
	"net/http"
	"path"
	"strconv"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/web"
)

// logo serves the picture on our pages. Its address holds the hash of its bytes, so it is
// stored for good. Opened by itself, an SVG is a document that may run nothing.
func (s *documents) logo(x *exchange.Exchange) error {
	logo := s.Pages.Logo()
	if logo == nil || path.Base(x.Request.URL.Path) != logo.File {
		return problem.NotFound()
	}
	h := x.Header()
	h.Set("Content-Type", logo.Type)
	h.Set("Content-Length", strconv.Itoa(len(logo.Body)))
	h.Set("Content-Security-Policy", web.LogoCSP)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.WriteHeader(http.StatusOK)
	if x.Request.Method != http.MethodHead {
		_, _ = x.Write(logo.Body)
	}
	return nil
}
