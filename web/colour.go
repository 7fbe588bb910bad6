package web

import (
	"fmt"
	"math"
	"strconv"
)

// builtInAccent is the accent of style.css.
const builtInAccent = "#3f51c9"

// colour is one of sRGB.
type colour struct{ r, g, b uint8 }

// parseColour reads #rrggbb.
func parseColour(text string) (colour, bool) {
	if len(text) != 7 || text[0] != '#' {
		return colour{}, false
	}
	n, err := strconv.ParseUint(text[1:], 16, 32) // takes no sign
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, err == nil
}

// IsColour reports whether a text is a colour as #rrggbb.
func IsColour(text string) bool {
	_, ok := parseColour(text)
	return ok
}

// String is #rrggbb.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// mix is part of the way from c to other, from 0 to 1.
func (c colour) mix(other colour, part float64) colour {
	between := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return colour{between(c.r, other.r), between(c.g, other.g), between(c.b, other.b)}
}

// luminance is WCAG 2.2's relative luminance.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is WCAG 2.2's contrast ratio, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// readable is the contrast that text needs (WCAG 2.2 SC 1.4.3), and a little for rounding.
const readable = 4.55

// textOn is the colour of text on a button of colour c: white where that can be read, else dark.
// One of white and black always can: where they meet, both have 4.58:1.
func textOn(c colour) colour {
	for _, text := range []colour{{255, 255, 255}, {0x11, 0x14, 0x2b}} {
		if contrast(text, c) >= readable {
			return text
		}
	}
	return colour{}
}

// toward moves c step by step to the end of the scale until it can be read on all of these.
func (c colour) toward(end colour, on ...colour) colour {
	for part := 0.0; part < 1; part += 0.02 {
		moved, ok := c.mix(end, part), true
		for _, back := range on {
			ok = ok && contrast(moved, back) >= readable
		}
		if ok {
			return moved
		}
	}
	return end
}

// accentStyle gives the variables of style.css that follow from the accent. In the light a button
// has the very colour, and its text is what can be read on it; in the dark the colour is made light
// enough. Text and outlines of that colour are darkened or lightened until they stand out.
func accentStyle(accent colour) string {
	white, black := colour{255, 255, 255}, colour{}
	light := []colour{white, {0xf3, 0xf4, 0xf8}, {0xeb, 0xed, 0xf5}}
	dark := []colour{{0x16, 0x19, 0x24}, {0x0d, 0x0f, 0x16}, {0x1f, 0x23, 0x31}}
	return ":root {" + variables(accent, accent.toward(black, light...), white.mix(accent, 0.12)) + "}\n" +
		"@media (prefers-color-scheme: dark) { :root {" +
		variables(accent.toward(white, dark...), accent.toward(white, dark...), dark[1].mix(accent, 0.16)) + "} }\n"
}

// variables are the ones of one scheme. Under the pointer a button moves away from its text's
// colour, so that the text stays readable.
func variables(fill, focus, glow colour) string {
	text := textOn(fill)
	away := colour{255, 255, 255}
	if text == away {
		away = colour{}
	}
	return fmt.Sprintf(" --accent: %s; --accent-deep: %s; --on-accent: %s; --focus: %s; --glow: %s; ",
		fill, fill.mix(away, 0.15), text, focus, glow)
}
