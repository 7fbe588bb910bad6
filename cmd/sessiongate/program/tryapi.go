package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// CanTry returns the name of the token API that a trial is about. An empty name means the only one.
func (p *Program) CanTry(name string) (string, error) {
	var names []string
	for _, one := range p.backend.providers.apis.providers() {
		if one.Name() == name {
			return name, nil
		}
		names = append(names, one.Name())
	}
	switch {
	case len(names) == 0:
		return "", errors.New("no provider of kind tokenapi is configured, and others have nothing to try")
	case name != "":
		return "", fmt.Errorf("no provider of kind tokenapi is called %q; there is %s", name, strings.Join(names, ", "))
	case len(names) > 1:
		return "", fmt.Errorf("several providers are of kind tokenapi: write --provider %s", strings.Join(names, " or --provider "))
	}
	return names[0], nil
}

// Try makes a whole round at the token API with one user, writes what came of each step, and returns
// how many failed. The error is about the request.
func (p *Program) Try(ctx context.Context, out io.Writer, name string, c session.Credentials) (failed int, err error) {
	for _, one := range p.backend.providers.apis.providers() {
		if one.Name() != name {
			continue
		}
		steps, err := one.Try(ctx, c)
		if err != nil {
			return 0, err
		}
		return writeSteps(out, name, steps), nil
	}
	return 0, fmt.Errorf("no provider of kind tokenapi is called %q", name)
}

// writeSteps writes the report of a trial and counts the steps that failed.
func writeSteps(out io.Writer, name string, steps []tokenapi.Step) (failed int) {
	for _, s := range steps {
		verdict := "ok       "
		if s.Failed {
			verdict = "FAILED   "
			failed++
		}
		fmt.Fprintf(out, "%s provider %s: %s: %s\n", verdict, name, s.Name, s.Text)
		for _, line := range s.Lines {
			fmt.Fprintln(out, "            "+line)
		}
	}
	return failed
}
