package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of what an operator brings.
const (
	MaxLogo       = 100 << 10 // bytes
	MaxStylesheet = 64 << 10  // bytes
)

// LogoCSP is the Content-Security-Policy of the logo: an SVG that is opened by itself may hold
// script, and may not run it.
const LogoCSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// Logo is the picture that stands for a site.
type Logo struct {
	File string // its name in addresses: the hash of its bytes, and what it is
	Type string // for Content-Type
	Body []byte
}

var svgStart = regexp.MustCompile(`(?is)^(?:\x{feff})?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]`)

// NewLogo finds out what a picture is, by its bytes. An error says why it is none that pages show.
func NewLogo(body []byte) (*Logo, error) {
	l := &Logo{Body: body}
	ext := ""
	switch {
	case len(body) > MaxLogo:
		return nil, errors.New("is larger than 100 KiB")
	case bytes.HasPrefix(body, []byte("\x89PNG\r\n\x1a\n")):
		ext, l.Type = ".png", "image/png"
	case len(body) > 12 && string(body[:4]) == "RIFF" && string(body[8:12]) == "WEBP":
		ext, l.Type = ".webp", "image/webp"
	case utf8.Valid(body) && svgStart.Match(body[:min(len(body), 4096)]):
		ext, l.Type = ".svg", "image/svg+xml"
	default:
		return nil, errors.New("is neither SVG, PNG nor WebP")
	}
	sum := sha256.Sum256(body)
	l.File = hex.EncodeToString(sum[:8]) + ext
	return l, nil
}

// CheckStylesheet says what keeps a text from being written into a page as a stylesheet; empty:
// nothing.
func CheckStylesheet(text string) string {
	switch {
	case len(text) > MaxStylesheet:
		return "is larger than 64 KiB"
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "is not text in UTF-8"
	case strings.Contains(strings.ToLower(text), "</style"):
		return "holds </style, which would end it in the middle of a page"
	}
	return ""
}

// brand takes the operator's looks.
func (p *Pages) brand() (err error) {
	if len(p.o.Logo) > 0 {
		if p.logo, err = NewLogo(p.o.Logo); err != nil {
			return errors.New("the logo " + err.Error())
		}
	}
	if p.o.Accent != "" {
		accent, ok := parseColour(p.o.Accent)
		if !ok {
			return errors.New("the accent is not #rrggbb")
		}
		if p.o.Accent != builtInAccent {
			p.style += accentStyle(accent)
		}
	}
	if what := CheckStylesheet(p.o.Stylesheet); what != "" {
		return errors.New("the stylesheet " + what)
	}
	if p.o.Stylesheet != "" {
		p.style += strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(p.o.Stylesheet)
	}
	return nil
}

// Logo is the site's logo; nil: it has none.
func (p *Pages) Logo() *Logo { return p.logo }

// LogoPath is where the logo is found; empty: there is none.
func (p *Pages) LogoPath() string {
	if p.logo == nil {
		return ""
	}
	return p.o.Prefix + "/pages/" + p.logo.File
}

// icon is the page's own favicon, the logo or the mark: without one a browser asks for
// /favicon.ico, which belongs to the app and may need a session.
func (p *Pages) icon() template.URL {
	if p.logo != nil {
		return template.URL(p.LogoPath()) //nolint:gosec // G203: a path of ours
	}
	tile, lines := builtInAccent, "#fff"
	if c, ok := parseColour(p.o.Accent); ok {
		tile, lines = c.String(), textOn(c).String()
	}
	mark := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">` +
		`<rect width="32" height="32" rx="9" fill="` + tile + `"/><g fill="none" stroke="` + lines + `" stroke-width="2.4" stroke-linecap="round">` +
		`<path d="M8.5 24V15a7.5 7.5 0 0 1 15 0v9"/><path d="M13 24v-8.5a3 3 0 0 1 6 0V24"/></g></svg>`
	return template.URL("data:image/svg+xml," + url.PathEscape(mark)) //nolint:gosec // G203: a constant but for two colours
}
