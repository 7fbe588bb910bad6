package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// providerScenarios are faults of the token API, and of what stands in front of it.
func providerScenarios() []scenario {
	during := func(d time.Duration, t trouble) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			w.provider.be(t)
			defer w.provider.be(nil)
			return sleep(ctx, d)
		}
	}
	return []scenario{
		{name: "provider-down", what: "the token API refuses connections for 20 s", fault: providerDown},
		{
			name: "provider-slow", what: "the token API takes 1.5 s for an answer, and tokens live 4 s", fault: during(seconds(16), slow(1500*time.Millisecond)),
			setup: setup{lifetime: seconds(4)}, after: noExpired,
		},
		{name: "provider-500", what: "the token API answers 500 for 15 s", fault: during(seconds(15), plain(500, "text/plain", "oops"))},
		{name: "provider-429", what: "the token API answers 429 with Retry-After for 15 s", fault: during(seconds(15), tooMany)},
		{name: "provider-html", what: "a proxy answers 200 with a page for 15 s", fault: during(seconds(15), plain(200, "text/html", "<html>Maintenance</html>"))},
		{
			name: "provider-401-html", what: "a proxy answers 401 with a page for 15 s", quick: true,
			fault: during(seconds(15), plain(401, "text/html", "<html>Who are you?</html>")),
		},
		{name: "provider-401-empty", what: "a proxy answers 401 with nothing for 15 s", fault: during(seconds(15), plain(401, "", ""))},
		{
			name: "provider-lost-answer", what: "one answer in ten of the token API is lost for 10 s, after it has rotated", fault: lostAnswers,
			excuse: "the provider had rotated, and its answer was lost on the way",
		},
	}
}

func providerDown(ctx context.Context, w *world) error {
	w.api.down()
	if err := sleep(ctx, 20*time.Second); err != nil {
		return err
	}
	return w.api.up(ctx)
}

// plain answers without having heard the request.
func plain(status int, kind, body string) trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ func() []byte) {
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func tooMany(w http.ResponseWriter, _ *http.Request, _ func() []byte) {
	w.Header().Set("Retry-After", "2")
	answerJSON(w, http.StatusTooManyRequests, []byte(`{"error":"slow_down"}`))
}

// slow makes the tokens at once, so that they are old when they arrive.
func slow(d time.Duration) trouble {
	return func(w http.ResponseWriter, r *http.Request, usual func() []byte) {
		body := usual()
		if sleep(r.Context(), d) != nil {
			return
		}
		status := http.StatusOK
		if strings.Contains(string(body), `"invalid_grant"`) {
			status = http.StatusUnauthorized
		}
		answerJSON(w, status, body)
	}
}

func lostAnswers(ctx context.Context, w *world) error {
	w.provider.be(func(rw http.ResponseWriter, _ *http.Request, usual func() []byte) {
		body := usual()
		if strings.Contains(string(body), `"invalid_grant"`) {
			answerJSON(rw, http.StatusUnauthorized, body)
			return
		}
		if rand.IntN(10) == 0 { //nolint:gosec // chance, not a secret
			w.provider.loseAnswer(body)
			panic(http.ErrAbortHandler) // cuts the connection
		}
		answerJSON(rw, http.StatusOK, body)
	})
	defer w.provider.be(nil)
	return sleep(ctx, 10*time.Second)
}

// noExpired: in a calm world no expired token goes upstream.
func noExpired(_ context.Context, w *world) []string {
	if w.upstream.expired.Load() > 0 {
		return []string{"expired tokens went upstream"}
	}
	return nil
}
