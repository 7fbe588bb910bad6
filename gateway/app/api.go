package app

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/masking"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// apiHandler is the handler of a route to an API with a login of its own: whatever the API answers,
// the browser gets no token with it.
type apiHandler struct {
	*handler
	api   *routing.API
	body  searched // nil: none was
	taken int      // tokens in headers
}

// searched is a body that is.
type searched interface {
	io.ReadCloser
	// Masked returns how many tokens were found so far.
	Masked() int
}

var _ proxy.Rewriter = (*apiHandler)(nil)

// forwardToAPI is forward for such a route.
func (a *Route) forwardToAPI(x *exchange.Exchange, h *handler, t routing.Target, token proxy.Token) *proxy.Failure {
	api := &apiHandler{handler: h, api: a.route.Access.API}
	failure := a.forward(x, api, t, token)
	if api.masked() > 0 {
		a.leaks.note(x.Request.Method, t.Path)
	}
	return failure
}

// Fields implements [proxy.Rewriter].
func (h *apiHandler) Fields(header http.Header) {
	h.taken += h.api.Mask.Strip(header) + h.api.Mask.StripTokens(header, h.judge())
}

func (h *apiHandler) judge() judge { return judge{h.x.Session, h.api.Known} }

// Rewrite implements [proxy.Rewriter]: the body is masked as it streams. What no script can read
// stays as it is; what might be read and cannot be searched is not passed on.
func (h *apiHandler) Rewrite(res *http.Response) error {
	h.learn()
	if masking.IsAsset(res.Header) {
		return nil
	}
	masking.Forget(res.Header)
	if res.ContentLength == 0 || h.x.Request.Method == http.MethodHead || res.StatusCode == http.StatusNotModified || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if res.StatusCode == http.StatusPartialContent {
		return problem.Unreadable(fmt.Errorf("the application answers with a part of a body of type %q",
			session.PlainText(res.Header.Get("Content-Type"), 64)))
	}
	if masking.IsPacked(res.Header) && proxy.TakesGzip(h.x.Request.Header) {
		h.body = masking.NewPacked(res.Body, h.api.Mask, h.judge())
		res.Body = h.body
		return nil
	}
	body, coded, err := masking.Plain(res.Header, res.Body)
	if err != nil {
		return unsearched(res.Header, err)
	}
	if coded {
		res.ContentLength = -1
	}
	reader := masking.NewReader(body, h.api.Mask, masking.KindOf(res.Header), h.judge())
	h.body, res.Body = reader, reader
	if err := reader.Begin(); err != nil {
		return unsearched(res.Header, err)
	}
	return nil
}

// unsearched is the answer in place of one that nobody can search.
func unsearched(h http.Header, cause error) error {
	return problem.Unreadable(fmt.Errorf("the application answers with Content-Type %q and Content-Encoding %q: %w",
		session.PlainText(h.Get("Content-Type"), 64), session.PlainText(h.Get("Content-Encoding"), 64), cause))
}

// learn looks at the token of a session now and then, to know others of the API by it.
func (h *apiHandler) learn() {
	s := h.x.Session
	if s != nil && slices.Contains(h.api.Providers, s.Identity().Provider) && h.api.Known.Due(h.o.Now()) {
		h.api.Known.Learn(s.AccessToken().Reveal())
	}
}

// masked returns how many tokens stood in the answer.
func (h *apiHandler) masked() int {
	if h.body == nil {
		return h.taken
	}
	return h.taken + h.body.Masked()
}

// judge knows the tokens of a session, and those of its API by their shape.
type judge struct {
	session *session.Session // nil: nobody's
	known   *masking.Family
}

// IsToken implements [masking.Judge].
func (j judge) IsToken(text []byte, named bool) bool {
	return j.session != nil && j.session.Owns(string(text)) || j.known.Has(text, named)
}

// InPage implements [masking.Judge].
func (j judge) InPage(text []byte) bool {
	return j.session != nil && j.session.Owns(string(text)) || j.known.HasInPage(text)
}

// Own implements [masking.Judge].
func (j judge) Own() string {
	if j.session == nil {
		return ""
	}
	return j.session.AccessToken().Reveal()
}

// leaks names each path that answered with a token, once.
type leaks struct {
	log   *slog.Logger
	mu    sync.Mutex
	paths map[string]bool
}

// maxLeaks bounds what is remembered, and with it what is logged.
const maxLeaks = 64

// note says what the operator can do about a token in an answer.
func (l *leaks) note(method, path string) {
	path = method + " " + session.PlainText(path, 256)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paths[path] || len(l.paths) >= maxLeaks {
		return
	}
	if l.paths == nil {
		l.paths = make(map[string]bool)
	}
	l.paths[path] = true
	l.log.Warn("a token stood in the answer of " + path + " and was taken out: list it under capture, if it signs somebody in")
}
