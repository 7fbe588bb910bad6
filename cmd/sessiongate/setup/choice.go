package setup

import (
	"slices"
	"strings"

	"sessiongate/configs"
)

// shipped is one of the files that a configuration is made from.
type shipped struct {
	name string // as --provider has it
	kind string // local, tokenapi or oidc
	text string
}

// preset tells whether the file is that of a preset, which --preset names.
func (s shipped) preset() bool { return s.kind == "tokenapi" && s.name != s.kind }

// vendor tells whether the file is that of a known OpenID Connect provider.
func (s shipped) vendor() bool { return s.kind == "oidc" && s.name != s.kind }

// catalogue is every shipped file.
type catalogue []shipped

func newCatalogue() catalogue {
	names, texts := configs.ProviderFiles()
	list := make(catalogue, 0, len(names))
	for _, name := range names {
		list = append(list, shipped{name, configs.NewDraft(texts[name]).Value("providers[0].kind"), texts[name]})
	}
	return list
}

// names are those of the files that are of a sort, sorted.
func (c catalogue) names(of func(shipped) bool) (names []string) {
	for _, s := range c {
		if of(s) {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}

func (c catalogue) find(name string) (shipped, bool) {
	at := slices.IndexFunc(c, func(s shipped) bool { return s.name == name })
	if at < 0 {
		return shipped{}, false
	}
	return c[at], true
}

// Providers are the names that --provider takes.
func Providers() []string { return newCatalogue().names(anyFile) }

// Presets are the names that --preset takes.
func Presets() []string { return newCatalogue().names(shipped.preset) }

func anyFile(shipped) bool { return true }

// choose picks the file by --provider and --preset, or asks.
func (q *questions) choose(c catalogue) (shipped, error) {
	provider, preset := q.given["provider"], q.given["preset"]
	_, providerGiven := q.given["provider"]
	_, presetGiven := q.given["preset"]
	switch {
	case presetGiven && providerGiven && provider != "tokenapi" && provider != preset:
		return shipped{}, &UsageError{"--preset is for a token API, and --provider says " + quoteText(provider) + "; leave one of them out"}
	case presetGiven:
		return c.named("preset", preset, shipped.preset)
	case providerGiven:
		return c.named("provider", provider, anyFile)
	case q.terminal == nil:
		return c.named("provider", "local", anyFile)
	}
	return q.chooseOnTerminal(c)
}

// named is the file of that name, or an error with the names there are.
func (c catalogue) named(flag, name string, of func(shipped) bool) (shipped, error) {
	if s, found := c.find(name); found && of(s) {
		return s, nil
	}
	names := c.names(of)
	fix := "one of " + strings.Join(names, ", ")
	if meant := likely(name, names); len(meant) > 0 {
		fix = "--" + flag + " " + strings.Join(meant, " or ") + ", or " + fix
	}
	fix = "write " + fix
	if flag == "preset" {
		fix += "; none fits? write --provider tokenapi"
	}
	return shipped{}, &UsageError{"--" + flag + " " + quoteText(name) + " is not known; " + fix}
}

// likely are the names that may be meant by one that is none: the nearest, or those with that word.
func likely(name string, names []string) (meant []string) {
	if near := configs.Nearest(name, names); near != "" {
		return []string{near}
	}
	if len(name) < 3 {
		return nil
	}
	for _, n := range names {
		if strings.Contains(n, strings.ToLower(name)) {
			meant = append(meant, n)
		}
	}
	return meant
}

// chooseOnTerminal asks for the kind first, and then for a name that saves most of the work.
func (q *questions) chooseOnTerminal(c catalogue) (shipped, error) {
	q.terminal.Say(`How do people sign in?
  local      with a name and a password that the gateway knows: users in a file
  tokenapi   by an API of yours that answers a login with tokens
  oidc       at an OpenID Connect provider: Keycloak, Entra ID, Google, …`)
	picked, err := q.pick("Provider", "local", c.names(anyFile), c)
	if err != nil {
		return shipped{}, err
	}
	switch picked.name {
	case "tokenapi":
		return q.narrow(c, "What is the API made from?", picked.name, shipped.preset)
	case "oidc":
		return q.narrow(c, "Which provider is it?", picked.name, shipped.vendor)
	}
	return picked, nil
}

// narrow offers the files of one kind; other is that for all the rest.
func (q *questions) narrow(c catalogue, question, other string, of func(shipped) bool) (shipped, error) {
	names := c.names(of)
	q.terminal.Say(question + "\n" + columns(names) + "\n  other")
	picked, err := q.pick("Name", "other", append(names, "other", other), c)
	if picked.name == "" && err == nil {
		picked, _ = c.find(other)
	}
	return picked, err
}

// pick asks until the answer is one of the names. A name without a file gives an empty one.
func (q *questions) pick(prompt, fallback string, names []string, c catalogue) (shipped, error) {
	for {
		name, err := q.terminal.Line(q.ctx, prompt, fallback)
		if err != nil {
			return shipped{}, err
		}
		if slices.Contains(names, name) {
			s, _ := c.find(name)
			return s, nil
		}
		hint := "write one of " + strings.Join(names, ", ")
		if meant := likely(name, names); len(meant) > 0 {
			hint = "write " + strings.Join(meant, " or ") + "?"
		}
		if slices.Contains(names, "other") {
			hint += " (none fits: other)"
		}
		q.terminal.Say("  " + quoteText(name) + " is not known; " + hint)
	}
}

// columns are names in lines of bearable length.
func columns(names []string) string {
	const width = 78
	var b strings.Builder
	line := " "
	for _, name := range names {
		if len(line)+len(name)+1 > width {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + name
	}
	b.WriteString(line)
	return b.String()
}
