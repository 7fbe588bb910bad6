package testserver

import (
	"context"
	"errors"
	"os"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
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
	step(ctx, "click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Fill empties a visible form field and types text into it, key by key.
func Fill(ctx context.Context, selector, text string) {
	browserOf(ctx).t.Helper()
	step(ctx, "fill "+selector,
		chromedp.WaitVisible(chromedp.CSS(selector)),
		chromedp.Clear(chromedp.CSS(selector)),
		chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Text waits for the element and returns its rendered text.
func Text(ctx context.Context, selector string) string {
	browserOf(ctx).t.Helper()
	return ask(ctx, "text of "+selector, chromedp.Text(chromedp.CSS(selector), chromedp.NodeReady))
}

// Eval runs a JavaScript expression in the page, waits for it when it is a promise,
// and returns its value, which must have a JSON form that fits T.
func Eval[T any](ctx context.Context, expression string) T {
	browserOf(ctx).t.Helper()
	return ask(ctx, "evaluate "+expression, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
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
		settled := "Promise.resolve((" + condition + ")).then(Boolean)"
		done, err := chromedp.Run(attempt, chromedp.Evaluate[bool](settled, chromedp.EvalAwaitPromise))
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
	all := ask(ctx, "read cookies", func(ctx context.Context, tab *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: urls})
	})
	return all.Cookies
}

// SetCookie puts a cookie into the browser, HttpOnly ones included.
func SetCookie(ctx context.Context, cookie network.SetCookieParams) {
	browserOf(ctx).t.Helper()
	step(ctx, "set cookie "+cookie.Name, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.SetCookie, cookie)
		return err
	}))
}

// ClearCookies makes the browser forget all cookies of all sites.
func ClearCookies(ctx context.Context) {
	browserOf(ctx).t.Helper()
	step(ctx, "clear cookies", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
}

// DisableScripts makes the tab run no page's JavaScript from the next page on.
func DisableScripts(ctx context.Context) {
	browserOf(ctx).t.Helper()
	setScripts(ctx, true)
}

// EnableScripts undoes [DisableScripts]. A page that is open stays as it became without scripts, and
// those of a test can use timers and promises in it.
func EnableScripts(ctx context.Context) {
	browserOf(ctx).t.Helper()
	setScripts(ctx, false)
}

func setScripts(ctx context.Context, disabled bool) {
	step(ctx, "allow or forbid scripts", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: disabled})
		return err
	}))
}

// Media makes the tab see media features as given, such as prefers-color-scheme: dark, from now on.
func Media(ctx context.Context, features map[string]string) {
	browserOf(ctx).t.Helper()
	var list []*emulation.MediaFeature
	for name, value := range features {
		list = append(list, &emulation.MediaFeature{Name: name, Value: value})
	}
	step(ctx, "emulate media", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: list})
		return err
	}))
}

// Prelude runs a script in every page that the tab opens from now on, before the page's own.
func Prelude(ctx context.Context, script string) {
	browserOf(ctx).t.Helper()
	step(ctx, "set the prelude", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// Place puts the tab into a time zone, such as UTC, and a language, such as en-US.
func Place(ctx context.Context, zone, language string) {
	browserOf(ctx).t.Helper()
	step(ctx, "move", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language})
		return err
	}))
}

// Viewport gives the page a window of width × height CSS pixels, which it keeps.
func Viewport(ctx context.Context, width, height int64) {
	browserOf(ctx).t.Helper()
	step(ctx, "size the window", chromedp.EmulateViewport(width, height))
}

// Press presses and releases keys, such as "\t", wherever the focus is.
func Press(ctx context.Context, keys string) {
	browserOf(ctx).t.Helper()
	step(ctx, "press a key", chromedp.KeyEvent(keys))
}

// Screenshot gives the page a window of width × height CSS pixels, which it keeps,
// and writes what is then visible to path as PNG.
func Screenshot(ctx context.Context, path string, width, height int64) {
	b := browserOf(ctx)
	b.t.Helper()
	step(ctx, "size the window", chromedp.EmulateViewport(width, height))
	png := ask(ctx, "take screenshot", chromedp.CaptureScreenshot())
	if err := os.WriteFile(path, png, 0o600); err != nil {
		b.t.Fatalf("write screenshot: %v", err)
	}
}

// step runs actions with a limit of their own, so that a missing element says so
// instead of using up the time of the whole test.
func step(ctx context.Context, name string, actions ...chromedp.Action[chromedp.Void]) {
	browserOf(ctx).t.Helper()
	ask(ctx, name, chromedp.Steps(actions...))
}

// ask is step for an action that answers.
func ask[T any](ctx context.Context, name string, action chromedp.Action[T]) T {
	b := browserOf(ctx)
	b.t.Helper()
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	answer, err := chromedp.Run(limited, action)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return answer
}
