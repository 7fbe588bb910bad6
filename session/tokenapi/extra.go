package tokenapi

import (
	"fmt"
	"slices"
	"strings"
)

// maxExtra bounds how many further fields a login takes.
const maxExtra = 16

// ExtraFields implements [session.ExtraFieldsProvider].
func (p *Provider) ExtraFields() []string { return p.options.Login.Extra }

// checkExtra looks at the names of [Endpoint.Extra].
func checkExtra(names []string) error {
	if len(names) > maxExtra {
		return fmt.Errorf("login: extra: more than %d names", maxExtra)
	}
	for i, name := range names {
		switch {
		case !isFieldName(name):
			return fmt.Errorf("login: extra: %q: a name has letters, digits, _ and -, 64 at most", name)
		case slices.Contains([]string{username, password, "provider", "device_name", "return_to", "demo_user"}, name):
			return fmt.Errorf("login: extra: %q is a field of the gateway's own; let the app send another name", name)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("login: extra: %q is named twice", name)
		}
	}
	return nil
}

func isFieldName(name string) bool {
	other := func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && c != '_' && c != '-'
	}
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, other)
}
