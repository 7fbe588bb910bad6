package testserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// TabAt waits for a tab or window that a page has opened, by a part of its address, and returns it.
// The page may close it; else it closes with the test.
func TabAt(ctx context.Context, part string) (tab context.Context) {
	b := browserOf(ctx)
	b.t.Helper()
	err := poll(stepLimit, func() error {
		open, err := chromedp.Targets(ctx)
		if err != nil {
			return err
		}
		for _, target := range open {
			if target.Type == "page" && strings.Contains(target.URL, part) {
				var closeTab context.CancelFunc
				tab, closeTab = chromedp.NewContext(ctx, chromedp.WithTargetID(target.TargetID))
				b.t.Cleanup(closeTab)
				return chromedp.Listen(tab, b.listen) // attaches
			}
		}
		return fmt.Errorf("no such tab: %v", open)
	})
	if err != nil {
		b.t.Fatalf("wait for a tab at %s: %v", part, err)
	}
	return tab
}

// Tabs counts the tabs and windows of the browser.
func Tabs(ctx context.Context) (n int) {
	b := browserOf(ctx)
	b.t.Helper()
	open, err := chromedp.Targets(ctx)
	if err != nil {
		b.t.Fatalf("list the tabs: %v", err)
	}
	for _, target := range open {
		if target.Type == "page" {
			n++
		}
	}
	return n
}
