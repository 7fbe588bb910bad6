package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// answer is how one request ended.
type answer struct {
	gateway int
	sent    time.Time
	status  int
	code    string // of a problem; "upstream" for a 401 that is not the gateway's
	text    string // beginning of the body
	err     error  // no answer
	gone    bool   // we went away on purpose, or the world ends: nothing follows from it
}

func (a answer) ok() bool { return a.status == http.StatusOK }

// over reports whether the gateway says that there is no session any more.
func (a answer) over() bool {
	return a.status == http.StatusUnauthorized && a.code != "session_stale" && a.code != "upstream"
}

// trouble reports an answer that no fault at all would not have given.
func (a answer) trouble() bool { return a.err != nil || a.status >= 500 }

// requestTimeout is how long a browser waits for an answer.
const requestTimeout = 75 * time.Second

// userAgents are two browser families: sessions are bound to one.
const (
	userAgent      = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	otherUserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
)

// build makes the request of a page's fetch to a gateway.
func (b *browser) build(ctx context.Context, g *gateway, method, path, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+g.address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host = b.w.gateways[0].address
	if cookies := b.jar.header(); cookies != "" {
		req.Header.Set("Cookie", cookies)
	}
	req.Header.Set("User-Agent", b.agent)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Sec-Fetch-Mode", "cors")
	req.Header.Set("Sec-Fetch-Dest", "empty")
	req.Header.Set(ownerHeader, b.name)
	if method != http.MethodGet {
		req.Header.Set("Origin", "http://"+req.Host)
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// once sends one request to one gateway. The response is read at once, and arrives
// some time later: until then other responses may overtake it.
func (b *browser) once(ctx context.Context, g *gateway, method, path, body string) answer {
	a := answer{gateway: g.index, sent: time.Now()}
	ctx, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	vanishing := b.w.living.Load() && rand.Float64() < b.w.setup.vanish //nolint:gosec // chance, not a secret
	if vanishing {
		time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, stop) //nolint:gosec // the same
	}
	req, err := b.build(ctx, g, method, path, body)
	if err != nil {
		a.err = err
		return a
	}
	res, err := b.w.client.Do(req)
	if err != nil {
		a.err, a.gone = err, vanishing || b.w.ending()
		return a
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	res.Body.Close()
	if err != nil {
		a.err, a.gone = err, vanishing || b.w.ending()
		return a
	}
	a.status, a.text = res.StatusCode, string(text[:min(len(text), 200)])
	a.code = codeOf(res, text)
	if sleep(ctx, b.w.delay()) != nil {
		a.gone = true
		return a
	}
	cleared, carried := b.jar.take(res)
	b.w.book.cookies(cleared && !b.leaving.Load(), carried)
	return a
}

// codeOf reads the code of a problem, on any status but success.
func codeOf(res *http.Response, text []byte) string {
	if res.StatusCode < 400 {
		return ""
	}
	var doc struct{ Code string }
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(text, &doc) == nil {
		return doc.Code
	}
	return "upstream"
}

// ask sends a request to any gateway, as a balancer would choose one, repeats what
// found nobody, and repeats a session_stale once, as client.js does.
func (b *browser) ask(ctx context.Context, method, path, body string) answer {
	a := b.balanced(ctx, method, path, body)
	if a.gone || a.status != http.StatusUnauthorized {
		b.w.book.note(b, a)
		return a
	}
	if a.code == "session_stale" {
		again := b.balanced(ctx, method, path, body)
		if again.gone {
			return again
		}
		if again.ok() {
			b.w.book.healed()
		}
		a = again
	}
	b.w.book.note(b, a)
	return a
}

// balanced tries another gateway where one refuses connections or cuts them.
func (b *browser) balanced(ctx context.Context, method, path, body string) answer {
	var a answer
	for try := range 4 {
		g := b.enter()
		if g == nil {
			return answer{gone: true} // all its connections are waiting: the page waits too
		}
		a = b.once(ctx, g, method, path, body)
		b.leave(g)
		switch {
		case a.err == nil || a.gone || ctx.Err() != nil:
			return a
		case errors.Is(a.err, syscall.ECONNREFUSED):
			b.w.book.refused()
			if sleep(ctx, time.Duration(try)*50*time.Millisecond) != nil {
				return answer{gone: true}
			}
		case method != http.MethodGet:
			return a
		}
	}
	return a
}
