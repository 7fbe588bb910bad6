package exchange

import (
	"net/http"
	"net/url"
	"strings"

	"sessiongate/web"
	"sessiongate/web/messages"
)

// uiLocales is the parameter by which a page says what language its user reads (OpenID Connect
// Core §3.1.2.1). It goes before Accept-Language, and goes along to the provider.
const uiLocales = "ui_locales"

// Edition is our pages in the language of whoever asks.
func (r *Responder) Edition(req *http.Request) *web.Edition {
	return r.o.Pages.Edition(asked(req), strings.Join(req.Header["Accept-Language"], ","))
}

// UILocales are the languages that a request asks for by its address, as tags with blanks between
// them; empty: it does not.
func UILocales(req *http.Request) string { return messages.CleanLocales(asked(req)) }

// Along is an address of ours with the languages that a request asks for by its own.
func (r *Responder) Along(req *http.Request, address string) string {
	l := UILocales(req)
	switch {
	case l == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&" + uiLocales + "=" + url.QueryEscape(l)
	}
	return address + "?" + uiLocales + "=" + url.QueryEscape(l)
}

func asked(req *http.Request) string {
	if !strings.Contains(req.URL.RawQuery, uiLocales) {
		return ""
	}
	return req.URL.Query().Get(uiLocales)
}
