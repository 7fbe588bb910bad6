package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"sessiongate/cmd/sessiongate/setup"
)

// initReport is what `init --json` says. It has no secrets: a password goes to people only.
type initReport struct {
	Provider      string        `json:"provider"`
	URL           string        `json:"url"`
	Files         []initFile    `json:"files"`
	Configuration string        `json:"configuration,omitempty"` // of a dry run
	User          string        `json:"user,omitempty"`
	Environment   []string      `json:"environment"` // variables to set before it starts
	Register      *initRegister `json:"register,omitempty"`
	Edit          []initEdit    `json:"edit"` // lines that are still examples
	Next          []string      `json:"next"` // commands
}

// initEdit is a line of the configuration that only its reader can write.
type initEdit struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// initFile is one file and what became of it.
type initFile struct {
	Path  string `json:"path"`
	State string `json:"state"` // made, kept; of a dry run: to make
}

// initRegister is what an OpenID Connect provider has to know.
type initRegister struct {
	RedirectURI           string `json:"redirect_uri"`
	PostLogoutRedirectURI string `json:"post_logout_redirect_uri"`
	BackChannelLogoutURI  string `json:"backchannel_logout_uri"`
}

// reportInit makes the report. A silent one does not show the password, so the user needs another.
func reportInit(o setup.Options, r *setup.Result, silent bool) initReport {
	report := initReport{Provider: r.Provider, URL: r.URL, User: r.User, Environment: append([]string{}, r.Unset...), Edit: []initEdit{}, Next: nextCommands(o, r, silent)}
	for _, e := range r.Edits {
		report.Edit = append(report.Edit, initEdit{e.Line, e.Text})
	}
	for _, f := range r.Files {
		state := "made"
		switch {
		case f.Kept:
			state = "kept"
		case o.DryRun:
			state = "to make"
		}
		report.Files = append(report.Files, initFile{f.Path, state})
	}
	if o.DryRun {
		report.Configuration = r.Text
	}
	if g := r.Register; g != nil {
		report.Register = &initRegister{g.RedirectURI, g.PostLogoutRedirectURI, g.BackChannelLogoutURI}
	}
	return report
}

// nextCommands are what to run next, in the folder of the files.
func nextCommands(o setup.Options, r *setup.Result, silent bool) (commands []string) {
	if dir := filepath.Clean(o.Dir); dir != "." {
		commands = append(commands, "cd "+shellWord(dir))
	}
	if _, set := o.Env(configVariable); set { // check and serve would read that file
		commands = append(commands, "unset "+configVariable)
	}
	if r.User != "" && silent {
		commands = append(commands, "sessiongate users passwd "+r.User+" --file users.yaml")
	}
	for _, name := range r.Unset {
		commands = append(commands, "export "+name+"=…")
	}
	return append(commands, "sessiongate check", "sessiongate serve")
}

// shellWord is a text as a shell takes it.
func shellWord(text string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+:@%,", c)
	}
	if text != "" && !slices.ContainsFunc([]rune(text), func(c rune) bool { return !plain(c) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// print tells people. A dry run prints the file alone.
func (r initReport) print(out io.Writer, o setup.Options, result *setup.Result) error {
	if o.DryRun {
		_, err := io.WriteString(out, result.Text)
		return err
	}
	var b bytes.Buffer
	for _, f := range r.Files {
		fmt.Fprintf(&b, "%s %s\n", f.State, f.Path)
	}
	if r.User != "" {
		fmt.Fprintf(&b, "\nSign in as %s with this password, which is not shown again:\n\n  %s\n", r.User, result.Password.Reveal())
	}
	if len(r.Edit) > 0 {
		fmt.Fprintf(&b, "\nStill examples in sessiongate.yaml, for you to write:\n\n")
	}
	for _, e := range r.Edit {
		fmt.Fprintf(&b, "  line %d: %s\n", e.Line, e.Text)
	}
	if g := r.Register; g != nil {
		fmt.Fprintf(&b, "\nRegister at the provider:\n\n  redirect URI              %s\n  post-logout redirect URI  %s\n  back-channel logout URI   %s (the provider calls it itself)\n",
			g.RedirectURI, g.PostLogoutRedirectURI, g.BackChannelLogoutURI)
	}
	if strings.HasPrefix(r.URL, "https://") {
		fmt.Fprintf(&b, "\nMissing to be served at %s, one of these under server in sessiongate.yaml:\n\n  %s\n  %s\n", r.URL,
			`tls: {cert_file: FILE, key_file: FILE} and listen: ":443"   HTTPS by the gateway itself`,
			`trusted_proxies: [ADDRESS]   HTTPS by a proxy in front at that address, which passes on to port 8080`)
	}
	fmt.Fprintf(&b, "\nNext:\n\n  %s\n\nThen open %s\nKeep keys/ to yourself: no version control (keys/.gitignore sees to Git), no image.\n", strings.Join(r.Next, "\n  "), r.URL)
	_, err := out.Write(b.Bytes())
	return err
}
