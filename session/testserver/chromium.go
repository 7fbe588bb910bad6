package testserver

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A browser test that takes longer than chromiumLimit hangs; one step of it that
// takes longer than stepLimit waits for something that will not come.
const (
	chromiumLimit = 2 * time.Minute
	stepLimit     = 20 * time.Second
	closeLimit    = 10 * time.Second
)

// Chromium starts a headless browser with an empty profile and returns the
// context of its first tab, for the helpers of this package ([Navigate], [Click],
// …) and for chromedp itself. Call it twice for two browsers that share nothing,
// [NewTab] for a second tab of the same one. It needs the component "chromium",
// see [Need].
//
// The context ends two minutes after the start, and the browser with it. What the
// pages wrote to the console as errors and the exceptions nobody caught go to the
// test's log; see [ConsoleErrors].
func Chromium(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := Need(t, "chromium")
	profile := t.TempDir()
	b := &browser{t: t}
	ctx := context.WithValue(context.Background(), browserKey{}, b)
	ctx, expire := context.WithTimeout(ctx, chromiumLimit)
	ctx, kill := chromedp.NewExecAllocator(ctx, append(chromiumFlags(path, profile), options...)...)
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithErrorf(b.noteDriver), chromedp.WithLogf(b.noteDriver))
	t.Cleanup(func() {
		closeBrowser(ctx)
		kill() // and waits for the process
		expire()
		removeProfile(profile)
		b.report()
	})
	if err := chromedp.Listen(ctx, b.listen); err != nil { // starts the browser
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// NewTab opens one more tab in the browser of ctx: same cookies, page of its own.
// It closes with the test.
func NewTab(ctx context.Context) context.Context {
	b := browserOf(ctx)
	b.t.Helper()
	tab, closeTab := chromedp.NewContext(ctx)
	b.t.Cleanup(closeTab)
	if err := chromedp.Listen(tab, b.listen); err != nil { // opens the tab
		b.t.Fatalf("open tab: %v", err)
	}
	return tab
}

// ConsoleErrors returns what went wrong in the browser's pages so far: console.error
// calls, exceptions nobody caught, and the browser's own complaints (a resource
// that answered 4xx or 5xx, a violated Content-Security-Policy, a refused cookie).
func ConsoleErrors(ctx context.Context) []string {
	b := browserOf(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.problems...)
}

// chromiumFlags keeps the browser quiet and alone: no network of its own accord, no
// QUIC, nothing shared with another run. The sandbox needs rights that root in a
// container lacks, and every page here is ours.
func chromiumFlags(path, profile string) []chromedp.ExecAllocatorOption {
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.DisableGPU,
		chromedp.WindowSize(1280, 900),
		chromedp.Flag("password-store", "basic"),
	}
	for _, name := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-dev-shm-usage", "disable-extensions", "disable-breakpad",
		"disable-background-timer-throttling", "disable-renderer-backgrounding",
	} {
		flags = append(flags, chromedp.Flag(name, true))
	}
	return flags
}

// closeBrowser asks the browser to end by itself, so that its helper processes end too.
func closeBrowser(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	_ = chromedp.Cancel(ctx) // it may be gone already; what is left of it is killed next
}

// removeProfile repeats until the last helper process has stopped writing, because
// t.TempDir tries only once and fails the test when a file appears meanwhile.
func removeProfile(dir string) {
	_ = poll(closeLimit, func() error { return os.RemoveAll(dir) })
}

// browser is what the helpers find in a context made by [Chromium].
type browser struct {
	t testing.TB

	mu       sync.Mutex
	problems []string // of the pages
	driver   []string // of chromedp
}

type browserKey struct{}

// browserOf panics without a browser: a test that forgot [Chromium] is a wrong
// program, and there is no test to fail here.
func browserOf(ctx context.Context) *browser {
	b, ok := ctx.Value(browserKey{}).(*browser)
	if !ok {
		panic("testserver: this context does not come from Chromium")
	}
	return b
}

// listen runs on chromedp's goroutine, also after the test has ended, so it only takes notes.
func (b *browser) listen(event any) {
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		b.note("exception: " + describeException(event.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError || event.Type == runtime.ConsoleAPICalledTypeAssert {
			b.note("console." + string(event.Type) + ": " + describeArguments(event.Args))
		}
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError {
			b.note(strings.TrimSpace(string(event.Entry.Source) + ": " + event.Entry.Text + " " + event.Entry.URL))
		}
	}
}

func (b *browser) note(problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

func (b *browser) noteDriver(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.driver = append(b.driver, fmt.Sprintf(format, args...))
}

// report writes the pages' problems to the test's log, and chromedp's only when the
// test failed: with a browser newer than its protocol file it complains a lot.
func (b *browser) report() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		b.t.Logf("errors in the browser:\n  %s", strings.Join(b.problems, "\n  "))
	}
	if b.t.Failed() && len(b.driver) > 0 {
		b.t.Logf("chromedp:\n  %s", strings.Join(b.driver, "\n  "))
	}
}

func describeException(details *runtime.ExceptionDetails) string {
	text := details.Text
	if details.Exception != nil && details.Exception.Description != "" {
		text += " " + details.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", text, details.URL, details.LineNumber+1)
}

func describeArguments(args []*runtime.RemoteObject) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg.Description
		if words[i] == "" {
			words[i] = string(arg.Value)
		}
	}
	return strings.Join(words, " ")
}
