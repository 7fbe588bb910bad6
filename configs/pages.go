package configs

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"sessiongate/web"
	"sessiongate/web/messages"
)

// Pages is the `pages` section: what people see of the gateway. All of it follows a reload.
type Pages struct {
	// Name is what the site is called, up to 60 characters. Default the host of server.public_url.
	Name string `yaml:"name"`
	// Logo is an SVG, PNG or WebP of up to 100 KiB, also the favicon. Default the gateway's mark.
	Logo Path `yaml:"logo"`
	// Accent is the colour of buttons and links, #rrggbb. It is made lighter in dark mode, and darker
	// where text of that colour could not be read. Default #3f51c9.
	Accent string `yaml:"accent"`
	// Stylesheet is CSS of up to 64 KiB that comes after the built-in one. It loads nothing but images
	// of this origin. Default none.
	Stylesheet Path `yaml:"stylesheet"`
	// Languages are those of the pages (BCP 47); the first is used where none fits. Default [en, de].
	Languages []string `yaml:"languages"`
	// Messages is a folder with files such as de.yaml or fr.yaml, whose texts take the place of the
	// built-in ones or add a language. Default none.
	Messages Path `yaml:"messages"`
	// Home is the path where "Back" leads. Default /.
	Home string `yaml:"home"`
	// Links lead on from the pages.
	Links PageLinks `yaml:"links"`
	// Footer is plain text below every page, up to 300 characters. Default none.
	Footer string `yaml:"footer"`

	// LogoImage, StylesheetText and Catalogues are what those files hold.
	LogoImage      []byte                `yaml:"-"`
	StylesheetText string                `yaml:"-"`
	Catalogues     []*messages.Catalogue `yaml:"-"`
}

// PageLinks lead on from the pages, each to an https URL or a path on this origin. What is left out
// is not shown.
type PageLinks struct {
	// Help stands below every page, and beside the buttons where a session has ended.
	Help string `yaml:"help"`
	// ForgotPassword stands below the password.
	ForgotPassword string `yaml:"forgot_password"`
	// SignUp stands below the password too.
	SignUp string `yaml:"sign_up"`
	// Privacy stands below every page.
	Privacy string `yaml:"privacy"`
	// Terms stands below every page.
	Terms string `yaml:"terms"`
}

func newPages() Pages {
	return Pages{Accent: "#3f51c9", Languages: messages.BuiltIn(), Home: "/"}
}

// pagesFiles reads logo, stylesheet and texts.
func pagesFiles(f files, p *Pages) {
	if body, ok := f.content("pages.logo", p.Logo, web.MaxLogo); ok {
		if _, err := web.NewLogo(body); err != nil {
			f.breaks("pages.logo", f.fileName("pages.logo", p.Logo)+" "+err.Error(), "write the path of a picture of up to 100 KiB")
		}
		p.LogoImage = body
	}
	if text, ok := f.content("pages.stylesheet", p.Stylesheet, web.MaxStylesheet); ok {
		p.StylesheetText = string(text)
		if what := web.CheckStylesheet(p.StylesheetText); what != "" {
			f.breaks("pages.stylesheet", f.fileName("pages.stylesheet", p.Stylesheet)+" "+what, "write the path of plain CSS of up to 64 KiB")
		}
	}
	if p.Messages != "" {
		messageFiles(f, p)
	}
}

// content reads a file that a key names, and of a larger one just enough to tell.
func (f files) content(path string, file Path, limit int64) ([]byte, bool) {
	if file == "" {
		return nil, false
	}
	if _, ok := f.present(path, file, false); !ok {
		return nil, false
	}
	data, err := readBounded(string(file), limit)
	switch {
	case err == nil:
		return data, true
	case errors.Is(err, errTooLong):
		f.breaks(path, f.fileName(path, file)+" is larger than "+strconv.FormatInt(limit>>10, 10)+" KiB", "write the path of a smaller file")
	default:
		f.breaks(path, f.fileName(path, file)+" cannot be read: "+reason(err), "write the path of a file that this user may read")
	}
	return nil, false
}

// messageFiles reads the .yaml files of the folder.
func messageFiles(f files, p *Pages) {
	const path = "pages.messages"
	if _, ok := f.present(path, p.Messages, true); !ok {
		return
	}
	names, err := filepath.Glob(filepath.Join(globEscape(string(p.Messages)), "*.yaml"))
	if err != nil || len(names) == 0 {
		f.breaks(path, f.fileName(path, p.Messages)+" holds no .yaml file", "put de.yaml or fr.yaml into it")
		return
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := readBounded(name, messages.MaxFile)
		if err != nil && !errors.Is(err, errTooLong) {
			f.breaks(path, quoteText(filepath.Base(name))+" cannot be read: "+reason(err), "let this user read it")
			continue
		}
		if err != nil {
			data = make([]byte, messages.MaxFile+1) // Parse says it
		}
		c, faults := messages.Parse(filepath.Base(name), data)
		for _, fault := range faults {
			f.broken[path] = true
			f.problem(path, fault.Place()+": "+fault.What, fault.Fix)
		}
		if c != nil {
			p.Catalogues = append(p.Catalogues, c)
		}
	}
}

// globEscape keeps a folder's name from being read as a pattern.
func globEscape(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // there is no way to escape there, and no need: * and ? are in no name
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func checkPages(c *checker) {
	p := &c.config.Pages
	checkShown(c, "pages.name", p.Name, 60)
	checkShown(c, "pages.footer", p.Footer, 300)
	if !web.IsColour(p.Accent) {
		c.problem("pages.accent", c.quote("pages.accent", p.Accent)+" is not a colour of six hexadecimal digits", `write accent: "#3f51c9"`)
	}
	if !localPath(p.Home) {
		c.problem("pages.home", c.quote("pages.home", p.Home)+" is not a path on this origin", "write home: /")
	}
	checkLanguages(c, p)
	for _, link := range []struct{ name, to string }{
		{"help", p.Links.Help}, {"forgot_password", p.Links.ForgotPassword}, {"sign_up", p.Links.SignUp}, {"privacy", p.Links.Privacy}, {"terms", p.Links.Terms},
	} {
		at := "pages.links." + link.name
		if u, err := url.Parse(link.to); link.to != "" && !localPath(link.to) && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
			c.problem(at, c.quote(at, link.to)+" is neither an https URL nor a path on this origin", "write "+link.name+": https://www.example.com/"+link.name)
		}
	}
}

// checkShown bounds a text that pages show as it is.
func checkShown(c *checker, path, text string, most int) {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.problem(path, "has a line break or something else that does not print", "write one line of plain text")
	case utf8.RuneCountInString(text) > most:
		c.problem(path, "is longer than "+strconv.Itoa(most)+" characters", "write less")
	}
}

// localPath tells whether every browser reads text as a path on this origin (WHATWG URL section 4.4).
func localPath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && !strings.Contains(text, `\`) && printable(text)
}

func checkLanguages(c *checker, p *Pages) {
	const path = "pages.languages"
	if c.anyBroken(path, "pages.messages") {
		return
	}
	if len(p.Languages) == 0 {
		c.problem(path, "is empty", "write languages: [en, de], or remove it")
	}
	there := messages.BuiltIn()
	for _, own := range p.Catalogues {
		if !slices.Contains(there, own.Language()) {
			there = append(there, own.Language())
		}
	}
	for i, name := range p.Languages {
		at := index(path, i)
		tag, err := language.Parse(name)
		switch {
		case err != nil:
			c.problem(at, c.quote(at, name)+" is not the tag of a language", "write "+strings.Join(there, " or "))
		case !slices.Contains(there, tag.String()):
			c.problem(at, "there are no texts in "+c.quote(at, name), "put "+tag.String()+".yaml into the folder pages.messages, or write "+strings.Join(there, " or "))
		case slices.Contains(p.Languages[:i], name):
			c.problem(at, c.quote(at, name)+" is listed twice", "remove it")
		}
	}
	warnOfTexts(c, p)
}

// warnOfTexts tells of files that nobody reads, and of languages that are not whole.
func warnOfTexts(c *checker, p *Pages) {
	for _, own := range p.Catalogues {
		name := own.Language()
		if !slices.Contains(p.Languages, name) {
			c.warn("pages.messages", name+".yaml has no effect while pages.languages does not list "+name)
			continue
		}
		if lacks := own.Lacks(); len(lacks) > 0 && messages.Of(name) == nil {
			c.warn("pages.messages", name+".yaml lacks "+strconv.Itoa(len(lacks))+" texts, which are said in English: "+lacks[0]+", …")
		}
	}
}
