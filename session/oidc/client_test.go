package oidc_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

// noTransport stands in the place of Go's default one: whoever uses it is no
// client of ours.
type noTransport struct{ t *testing.T }

func (n noTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a call to %s by another client", r.URL.Path)
	return nil, http.ErrNotSupported
}

// everyCall signs in, refreshes, verifies a logout and revokes: each endpoint of the
// provider is called. It returns the first error.
func everyCall(t *testing.T, p *oidc.Provider, idp *oidctest.Provider, browse func(session.Attempt) session.Response) error {
	t.Helper()
	a := attempt()
	g, err := p.Exchange(t.Context(), a, browse(a))
	if err != nil {
		return err
	}
	if g, err = p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens}); err != nil {
		return err
	}
	if _, err := p.VerifyLogout(t.Context(), idp.LogoutToken(nil)); err != nil {
		return err
	}
	return p.Revoke(t.Context(), g.Tokens)
}

// Every call goes through the client that trusts tls.ca_file and nobody else.
func TestEveryCallByTheOneClient(t *testing.T) {
	idp := oidctest.NewTLS(t, redirectURI)
	p := newProvider(t, idp, func(o *oidc.Options) { o.Userinfo, o.TLS = true, idp.Trust() })
	real := http.DefaultTransport
	http.DefaultTransport = noTransport{t}
	t.Cleanup(func() { http.DefaultTransport = real })
	person := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: idp.Trust()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	err := everyCall(t, p, idp, func(a session.Attempt) session.Response { return responseBy(t, person, p, a) })
	if err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/revoke"} {
		if len(idp.Requests(path)) == 0 {
			t.Errorf("%s was not called: the test says nothing of it", path)
		}
	}
	if _, err := newProvider(t, idp, nil).AuthorizationURL(t.Context(), attempt()); kind(err) != "fault" {
		t.Errorf("without tls.ca_file: %v", err)
	}
}

// No call of a provider follows a redirect or reads an endless answer.
func TestCallsAreBounded(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"sub": "ada", "roles": []string{"admin"}, "keys": []any{}})
	}))
	t.Cleanup(elsewhere.Close)
	var endless atomic.Int64
	bad := map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			piece := bytes.Repeat([]byte(" "), 64<<10)
			for range 16 << 4 { // 16 MiB
				n, err := w.Write(piece)
				endless.Add(int64(n))
				if err != nil {
					return
				}
			}
		},
	}
	for name, answer := range bad {
		for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/revoke"} {
			endless.Store(0)
			idp := oidctest.New(t, redirectURI)
			p := newProvider(t, idp, func(o *oidc.Options) { o.Userinfo = true })
			a := attempt()
			if path == "/.well-known/openid-configuration" {
				idp.Set(func(b *oidctest.Behaviour) { b.Answer = map[string]http.HandlerFunc{path: answer} })
				if err := p.Probe(t.Context()); err == nil {
					t.Errorf("%s at %s: no error", name, path)
				}
				continue
			}
			back := response(t, p, a)
			idp.Set(func(b *oidctest.Behaviour) { b.Answer = map[string]http.HandlerFunc{path: answer} })
			g, err := p.Exchange(t.Context(), a, back)
			if path == "/revoke" {
				_ = p.Revoke(t.Context(), g.Tokens)
			} else if kind(err) == "ok" || kind(err) == "rejected" {
				t.Errorf("%s at %s: %v", name, path, err)
			}
			if n := endless.Load(); n > 8<<20 { // what the sockets hold, too
				t.Errorf("%s: %d bytes were taken", path, n)
			}
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// What userinfo may and may not say.
func TestUserinfo(t *testing.T) {
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"proper":       {say(200, `{"sub":"ada","dept":"x"}`), "ok"},
		"another user": {say(200, `{"sub":"eve"}`), "rejected"},
		"empty sub":    {say(200, `{"sub":""}`), "rejected"},
		"no sub":       {say(200, `{"dept":"x"}`), "rejected"},
		"SUB":          {say(200, `{"SUB":"ada"}`), "rejected"},
		"sub no text":  {say(200, `{"sub":["ada"]}`), "rejected"},
		"refused":      {say(401, `{}`), "fault"},
		"page":         {say(200, `<h1>Welcome</h1>`), "fault"},
		"list":         {say(200, `[]`), "fault"},
		"null":         {say(200, `null`), "fault"},
		"not signed":   {say(200, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."), "rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			idp.Set(func(b *oidctest.Behaviour) { b.Answer = map[string]http.HandlerFunc{"/userinfo": row.answer} })
			if _, err := signIn(t, newProvider(t, idp, func(o *oidc.Options) { o.Userinfo = true })); kind(err) != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
	for name, row := range map[string]struct {
		claims map[string]any
		want   string
	}{
		"signed":               {map[string]any{"sub": "ada"}, "ok"},
		"signed, for us":       {map[string]any{"sub": "ada", "aud": []string{oidctest.ClientID}}, "ok"},
		"signed, for another":  {map[string]any{"sub": "ada", "aud": "another"}, "rejected"},
		"signed, other issuer": {map[string]any{"sub": "ada", "iss": "https://evil.example"}, "rejected"},
		"signed, expired":      {map[string]any{"sub": "ada", "exp": time.Now().Add(-time.Hour).Unix()}, "rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			raw := idp.SignClaims(nil, row.claims)
			idp.Set(func(b *oidctest.Behaviour) { b.Answer = map[string]http.HandlerFunc{"/userinfo": say(200, raw)} })
			if _, err := signIn(t, newProvider(t, idp, func(o *oidc.Options) { o.Userinfo = true })); kind(err) != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}

// No source of a provider makes a call by a client of its own, nor lets a library
// take one from a context.
func TestNoOtherClientInTheSource(t *testing.T) {
	makers := []string{"client.go", "../tokenapi/provider.go", "../tokenapi/call.go", "../token/remote.go"}
	forbidden := map[string][]string{
		"http":   {"DefaultClient", "DefaultTransport", "Get", "Post", "PostForm", "Head"},
		"oauth2": {"HTTPClient", "Config", "NewClient", "Token", "StaticTokenSource", "ReuseTokenSource", "TokenSource"},
	}
	for _, dir := range []string{".", "../tokenapi", "../token"} {
		set := token.NewFileSet()
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
		if len(files) == 0 {
			t.Fatal(fs.ErrNotExist)
		}
		for _, name := range files {
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				if strings.Contains(i.Path.Value, "go-oidc") {
					t.Errorf("%s imports %s, which calls by a client from a context", name, i.Path.Value)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if made, ok := n.(*ast.CompositeLit); ok && !slices.Contains(makers, name) {
					if of, sel := selector(made.Type); of == "http" && (sel == "Client" || sel == "Transport") {
						t.Errorf("%s: a client beside the one", set.Position(n.Pos()))
					}
				}
				if of, sel := selector(n); slices.Contains(forbidden[of], sel) {
					t.Errorf("%s: %s.%s", set.Position(n.Pos()), of, sel)
				}
				return true
			})
		}
	}
}

// selector takes "http.Client" apart.
func selector(n ast.Node) (of, name string) {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	from, ok := s.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return from.Name, s.Sel.Name
}
