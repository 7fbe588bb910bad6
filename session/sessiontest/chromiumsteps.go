package sessiontest

import (
	"context"
	"errors"
	"os"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The steps below take the context of a tab ([Chromium], [NewTab]) and end the test
// when they fail or take longer than 20 s. Call them on the test's goroutine.
// Selectors are CSS selectors; the first match counts.

// Navigate opens url, follows its redirects, and waits until the page has loaded.
func Navigate(ctx context.Context, url string) {
	browserOf(ctx).t.Helper()
	step(ctx, "navigate to "+url, chromedp.Navigate(url))
}

// Click waits until the element is visible, scrolls to it, and presses and releases
// the left mouse button over its middle. The browser sees input of a user, not a
// script's click(): the event is trusted, it gives user activation, it hits whatever
// lies on top, and a navigation it starts counts as begun by the page. Click does
// not wait for that navigation: use [WaitFor].
func Click(ctx context.Context, selector string) {
	browserOf(ctx).t.Helper()
	step(ctx, "click "+selector, chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

// Fill empties a visible form field and types text into it, key by key.
func Fill(ctx context.Context, selector, text string) {
	browserOf(ctx).t.Helper()
	step(ctx, "fill "+selector,
		chromedp.WaitVisible(selector, chromedp.ByQuery),
		chromedp.Clear(selector, chromedp.ByQuery),
		chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// Text waits for the element and returns its rendered text.
func Text(ctx context.Context, selector string) string {
	browserOf(ctx).t.Helper()
	var text string
	step(ctx, "text of "+selector, chromedp.Text(selector, &text, chromedp.ByQuery, chromedp.NodeReady))
	return text
}

// Eval runs a JavaScript expression in the page, waits for it when it is a promise,
// and returns its value, which must have a JSON form that fits T.
func Eval[T any](ctx context.Context, expression string) T {
	browserOf(ctx).t.Helper()
	var value T
	step(ctx, "evaluate "+expression, evaluate(expression, &value))
	return value
}

// WaitFor waits until a JavaScript expression (or its promise) is true. A page that
// is just being replaced by the next one is waited out.
func WaitFor(ctx context.Context, condition string) {
	b := browserOf(ctx)
	b.t.Helper()
	err := poll(stepLimit, func() error {
		if ctx.Err() != nil {
			return permanent{ctx.Err()}
		}
		attempt, cancel := context.WithTimeout(ctx, stepLimit)
		defer cancel()
		var done bool
		err := chromedp.Run(attempt, evaluate("Promise.resolve(("+condition+")).then(Boolean)", &done))
		if err == nil && !done {
			err = errors.New("still false")
		}
		return err
	})
	if err != nil {
		b.t.Fatalf("wait for %s: %v", condition, err)
	}
}

// Cookies returns the cookies the browser would send to the URLs, HttpOnly ones
// included; without URLs, those of the page that is open.
func Cookies(ctx context.Context, urls ...string) []*network.Cookie {
	browserOf(ctx).t.Helper()
	var cookies []*network.Cookie
	step(ctx, "read cookies", chromedp.ActionFunc(func(ctx context.Context) error {
		var err error
		cookies, err = network.GetCookies().WithURLs(urls).Do(ctx)
		return err
	}))
	return cookies
}

// Screenshot gives the page a window of width × height CSS pixels, which it keeps,
// and writes what is then visible to path as PNG.
func Screenshot(ctx context.Context, path string, width, height int64) {
	b := browserOf(ctx)
	b.t.Helper()
	var png []byte
	step(ctx, "take screenshot", chromedp.EmulateViewport(width, height), chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(path, png, 0o600); err != nil {
		b.t.Fatalf("write screenshot: %v", err)
	}
}

func evaluate(expression string, value any) chromedp.Action {
	return chromedp.Evaluate(expression, value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	})
}

// step runs actions with a limit of their own, so that a missing element says so
// instead of using up the time of the whole test.
func step(ctx context.Context, name string, actions ...chromedp.Action) {
	b := browserOf(ctx)
	b.t.Helper()
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	if err := chromedp.Run(limited, actions...); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
}
