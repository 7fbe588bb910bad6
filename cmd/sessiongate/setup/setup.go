package setup

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"sessiongate/configs"
)

// Options says what to set up, and how.
type Options struct {
	// Dir is the folder for the files. It is made if it does not exist.
	Dir string
	// Given are the answers that stand on the command line, by the names of the flags.
	Given map[string]string
	// Terminal is asked for everything else. nil: nobody is asked, defaults hold.
	Terminal Terminal
	// Keys makes the files with keys in a folder that exists.
	Keys func(dir string) error
	// Env looks up a variable of the environment, as os.LookupEnv does.
	Env func(string) (string, bool)
	// DryRun writes nothing.
	DryRun bool
}

// UsageError is an answer on the command line that will not do, and says what to write.
type UsageError struct{ What string }

// Error names the flag.
func (e *UsageError) Error() string { return "init: " + e.What }

// Result is what was set up.
type Result struct {
	Provider string            // the provider's name in the file
	Exists   bool              // of a dry run: there is a configuration already
	Text     string            // of sessiongate.yaml
	URL      string            // the address to open
	Files    []File            // in the order in which they were made
	User     string            // the first user; empty: none was made
	Password configs.Secret    // of that user
	Unset    []string          // variables of the environment that the file wants and that are not set
	Edits    []Edit            // lines that are still examples
	Register *Register         // nil: nothing is to be registered anywhere
	Warnings []configs.Problem // of the file
}

// File is one file of a result.
type File struct {
	Path string
	Kept bool // it was there
}

// Register is what an OpenID Connect provider has to know.
type Register struct {
	RedirectURI           string
	PostLogoutRedirectURI string
	BackChannelLogoutURI  string
}

// Run sets up. The error is a *UsageError for an answer on the command line, a *configs.Problems
// for a configuration that would not load, and something else where files cannot be written. After
// an error nothing has changed.
func Run(ctx context.Context, o Options) (*Result, error) {
	target := target{dir: filepath.Clean(o.Dir), env: o.Env, keys: o.Keys}
	if err := target.free(); err != nil && (!o.DryRun || !errors.Is(err, ErrExists)) {
		return nil, err // a dry run shows what would be written, to be held against what is there
	}
	plan, err := ask(ctx, o, target)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.DryRun {
		return target.rehearse(ctx, plan)
	}
	return target.write(ctx, plan)
}

// registered is what to register for the provider of a configuration.
func registered(c *configs.Config) *Register {
	p := &c.Providers[0]
	if p.OIDC == nil {
		return nil
	}
	base := strings.TrimSuffix(c.Server.PublicURL, "/") + c.Server.AuthPrefix
	return &Register{
		RedirectURI:           base + "/callback/" + p.Name,
		PostLogoutRedirectURI: base + "/logout/done",
		BackChannelLogoutURI:  base + "/back-channel-logout/" + p.Name,
	}
}
