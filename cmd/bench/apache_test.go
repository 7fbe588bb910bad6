package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The provider's part is played by a child, as in a measurement; the page that sends the browser
// there is the test's.
func TestSignInByCode(t *testing.T) {
	var issuer string
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back := "http://" + r.Host + "/callback"
		switch {
		case r.URL.Path == "/callback" && r.URL.Query().Get("code") != "":
			http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"})
			http.Redirect(w, r, "/page", http.StatusFound)
		case hasCookie(r, "in"):
			_, _ = io.WriteString(w, "welcome")
		default:
			q := url.Values{
				"client_id": {"gateway"}, "response_type": {"code"}, "redirect_uri": {back}, "state": {"s"},
				"code_challenge": {"x"}, "code_challenge_method": {"S256"},
			}
			http.Redirect(w, r, issuer+"/authorize?"+q.Encode(), http.StatusFound)
		}
	}))
	defer page.Close()
	ctx, stop := context.WithCancel(t.Context())
	first, out := io.Pipe()
	over := make(chan error)
	go func() { over <- playProvider(ctx, []string{page.URL + "/callback"}, out) }()
	if _, err := fmt.Fscanln(first, &issuer); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, first) }()
	if got, err := signInByCode(t.Context(), page.URL+"/page", "in"); err != nil || got != "in=yes" {
		t.Error(got, err)
	}
	if got, err := signInByCode(t.Context(), page.URL+"/page", "out"); err == nil {
		t.Error("a cookie that is not there:", got)
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestModulesThatAreBuiltInAreNotLoaded(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mod_headers.so", "mod_auth_openidc.so"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := loadModules(dir)
	if strings.Count(got, "LoadModule") != 2 || !strings.Contains(got, "LoadModule auth_openidc_module "+dir+"/mod_auth_openidc.so\n") {
		t.Error(got)
	}
}

// hasCookie: the provider's cookie comes along, as cookies know hosts and no ports.
func hasCookie(r *http.Request, name string) bool {
	_, err := r.Cookie(name)
	return err == nil
}
