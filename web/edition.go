package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"time"

	"sessiongate/web/messages"
)

// Edition is the pages in one language. Each of its methods that writes a page writes the whole
// document in one call or, on a template error, nothing; other errors are the writer's. It is safe
// for concurrent use.
type Edition struct {
	Words
	pages *Pages
	// By the name of its file.
	templates map[string]*template.Template
}

// Login writes the login page.
func (e *Edition) Login(w io.Writer, page LoginPage) error { return e.render(w, "login", page) }

// Message writes a page for a person who navigated to something that did not work.
func (e *Edition) Message(w io.Writer, page MessagePage) error { return e.render(w, "message", page) }

// Logout writes the confirmation page.
func (e *Edition) Logout(w io.Writer, page LogoutPage) error { return e.render(w, "logout", page) }

// SignedOut writes the page after a logout.
func (e *Edition) SignedOut(w io.Writer, page SignedOutPage) error {
	return e.render(w, "signedout", page)
}

func (e *Edition) render(w io.Writer, name string, data any) error {
	var buf bytes.Buffer
	if err := e.templates[name].Execute(&buf, data); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
}

// edition reads the templates with the texts of a language.
func (p *Pages) edition(l *messages.Language) (*Edition, error) {
	e := &Edition{Words: Words{l}, pages: p, templates: make(map[string]*template.Template)}
	for name, script := range map[string]string{
		"login": p.scripts.fragment, "message": p.scripts.fragment, "logout": p.scripts.fragment, "signedout": p.scripts.fragment,
		"account": p.scripts.account, "confirm": "", "reload": p.scripts.reload, "done": p.scripts.done,
	} {
		t, err := e.parse(name, script)
		if err != nil {
			return nil, err
		}
		e.templates[name] = t
	}
	return e, nil
}

// parse reads the template of a page, whose one script this is.
func (e *Edition) parse(name, script string) (*template.Template, error) {
	p := e.pages
	style := template.CSS(p.style) //nolint:gosec // G203: our stylesheet, byte for byte, as its hash demands; see CheckStylesheet
	code := template.JS(script)    //nolint:gosec // G203: the embedded script, byte for byte, as its hash demands
	t, err := template.New("layout.html").Funcs(template.FuncMap{
		"stylesheet": func() template.CSS { return style },
		"script":     func() template.JS { return code },
		"icon":       p.icon,
		"logo":       p.LogoPath,
		"site":       func() string { return p.o.Name },
		"links":      func() Links { return p.o.Links },
		"footer":     func() string { return p.o.Footer },
		"lang":       e.language.Tag,
		"dir":        e.language.Direction,
		"t":          speech{e.language}.say,
		"rich":       speech{e.language}.rich,
		"local":      localPath,
		"label":      (speech{e.language}).fieldLabel,
		"isCode":     isCode,
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	return t, nil
}
