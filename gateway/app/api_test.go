package app_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sessiongate/gateway/masking"
	"sessiongate/gateway/routing"
)

// On a route to an API with a login, no answer gives the browser a token.
func TestAnswersOfAnAPI(t *testing.T) {
	const token = `{"token":"0123456789"}`
	route := forTo(upstream(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Repr-Digest", "sha-256=:x:")
		switch kind := r.Header.Get("X-Kind"); kind {
		case "own":
			_, _ = io.WriteString(w, `{"x":{"token":"good"},"y":{"token":"other"}}`)
		case "br":
			h.Set("Content-Encoding", kind)
			_, _ = io.WriteString(w, token)
		case "206":
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, token)
		case "204":
			w.WriteHeader(http.StatusNoContent)
		case "image":
			h.Set("Content-Type", "image/png")
			h.Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, token)
		default:
			_, _ = io.WriteString(w, token)
		}
	}), routing.Access{})
	rules, err := masking.New(masking.Options{Fields: []string{"token"}, Placeholder: "session"})
	if err != nil {
		t.Fatal(err)
	}
	route.Access.API = &routing.API{Mask: rules, Known: masking.NewFamily(nil, nil, nil), Providers: []string{"local"}}
	d := newDesk(t, route, &services{})
	for kind, want := range map[string]string{
		"":      `200 {"token":"session"   }`,
		"own":   `200 {"x":{"token":"sess"},"y":{"token":"other"}}`,
		"br":    `502 upstream_unreadable`,
		"206":   `502 upstream_unreadable`,
		"204":   `204 `,
		"image": `200 {"token":"0123456789"}`,
	} {
		rec := d.ask("GET", cookie, "X-Kind: "+kind)
		got := fmt.Sprint(rec.Code, " ", rec.Body)
		if rec.Code == 502 && strings.Contains(got, "upstream_unreadable") {
			got = "502 upstream_unreadable"
		}
		if got != want || (rec.Header()["Repr-Digest"] != nil) != (kind == "image") {
			t.Errorf("%q: %s, want %s, %v", kind, got, want, rec.Header())
		}
	}
	if rec := d.ask("HEAD", cookie, "X-Kind: br"); rec.Code != 200 {
		t.Errorf("HEAD has no body to search: %d", rec.Code)
	}
}
