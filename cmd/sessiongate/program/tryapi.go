package program

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sessiongate/session/tokenapi"
)

// TokenAPI returns the provider of kind tokenapi with the name; an empty name means the only one.
func (p *Program) TokenAPI(name string) (*tokenapi.Provider, error) {
	list := p.backend.providers.apis.providers()
	names := make([]string, len(list))
	for i, one := range list {
		if one.Name() == name {
			return one, nil
		}
		names[i] = one.Name()
	}
	switch {
	case len(names) == 0:
		return nil, errors.New("no provider of kind tokenapi is configured, and others have nothing to try")
	case name != "":
		return nil, fmt.Errorf("no provider of kind tokenapi is called %q; there is %s", name, strings.Join(names, ", "))
	case len(names) > 1:
		return nil, fmt.Errorf("several providers are of kind tokenapi: write --provider %s", strings.Join(names, " or --provider "))
	}
	return list[0], nil
}

// WriteTrial writes the report of a trial at the provider with the name, and counts the steps that
// failed.
func WriteTrial(out io.Writer, name string, steps []tokenapi.Step) (failed int) {
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
