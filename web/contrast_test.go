package web_test

import (
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sessiongate/web"
)

// stylesheets returns the pages' inlined stylesheet and the demo's.
func stylesheets(t *testing.T) map[string]string {
	t.Helper()
	page := renderString(t, func(w io.Writer) error { return english(newPages(t)).SignedOut(w, web.SignedOutPage{}) })
	return map[string]string{
		"pages": one(t, parse(t, page), "style").FirstChild.Data,
		"demo":  demoFile(t, "style.css"),
	}
}

// WCAG 2.2 §1.4.3 wants 4.5:1 for text, §1.4.11 3:1 for the edges of controls.
func TestColoursHaveContrast(t *testing.T) {
	pairs := []struct {
		front, back string
		min         float64
	}{
		{"text", "page", 4.5},
		{"text", "glow", 4.5},
		{"text", "card", 4.5},
		{"text", "chip", 4.5},
		{"soft", "page", 4.5},
		{"soft", "glow", 4.5},
		{"soft", "card", 4.5},
		{"soft", "chip", 4.5},
		{"accent", "card", 4.5},
		{"on-accent", "accent", 4.5},
		{"on-accent", "accent-deep", 4.5},
		{"error", "error-bg", 4.5},
		{"warn", "warn-bg", 4.5},
		{"control", "card", 3},
		{"ok", "ok-bg", 4.5},
		{"ok", "card", 4.5},
	}
	for sheet, css := range stylesheets(t) {
		for scheme, colours := range schemes(t, css) {
			for _, p := range pairs {
				front, back := colours[p.front], colours[p.back]
				if sheet == "pages" && p.front == "ok" {
					continue // the pages have no such colour
				}
				if front == "" || back == "" {
					t.Errorf("%s, %s: no colour %s or %s", sheet, scheme, p.front, p.back)
					continue
				}
				if c := contrast(t, front, back); c < p.min {
					t.Errorf("%s, %s: %s on %s is %.2f:1, want %.1f", sheet, scheme, p.front, p.back, c, p.min)
				}
			}
		}
	}
}

// schemes reads the custom properties of the two :root blocks, light first.
func schemes(t *testing.T, css string) map[string]map[string]string {
	t.Helper()
	blocks := strings.Split(css, ":root {")
	if len(blocks) != 3 {
		t.Fatalf("%d :root blocks, want light and dark", len(blocks)-1)
	}
	property := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	found := map[string]map[string]string{"light": {}, "dark": {}}
	for i, scheme := range []string{"light", "dark"} {
		block, _, _ := strings.Cut(blocks[i+1], "}")
		for _, m := range property.FindAllStringSubmatch(block, -1) {
			found[scheme][m[1]] = m[2]
		}
	}
	return found
}

// contrast is WCAG's (L1 + 0.05) / (L2 + 0.05).
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}
