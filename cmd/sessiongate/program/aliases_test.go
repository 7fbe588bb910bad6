package program

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"sessiongate/configs"
	"sessiongate/session/tokenapi"
)

// TestOtherNames: which routes lead to a token API under a name that the file does not call its own.
func TestOtherNames(t *testing.T) {
	t.Parallel()
	names := map[string][]netip.Addr{
		"api":          {netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")},
		"api.internal": {netip.MustParseAddr("2001:db8::5")},
		"web":          {netip.MustParseAddr("203.0.113.6")},
	}
	look := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if list, known := names[host]; known {
			return list, nil
		}
		return nil, errors.New("no such host")
	}
	provider, err := tokenapi.New(tokenapi.Options{Name: "app", Login: tokenapi.Endpoint{URL: "http://api:8000/login"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		upstream string
		aliases  []string
		want     string // the alias to write; empty: nothing is found
	}{
		{"http://api:8000", nil, ""},
		{"http://API:8000/v1", nil, ""},
		{"http://203.0.113.5:8000", nil, "203.0.113.5:8000"},
		{"https://api.internal:8000/v1", nil, "api.internal:8000"},
		{"http://203.0.113.5:8000", []string{"api.internal:8000", "203.0.113.5:8000"}, ""},
		{"http://203.0.113.5:8000", []string{"203.0.113.5:9000"}, "203.0.113.5:8000"},
		{"http://203.0.113.5", nil, ""}, // another port
		{"http://web:8000", nil, ""},
		{"http://nosuch:8000", nil, ""},
	} {
		api := &configs.TokenAPIProvider{BaseURL: "http://api:8000", Aliases: row.aliases}
		routes := []configs.Route{{Upstreams: []string{row.upstream}}}
		s := newServers([]configs.Provider{{Name: "app", TokenAPI: api}}, routes, look)
		got := ""
		for _, o := range s.otherNames([]tokenAPI{{provider, api}}, routes) {
			got += o.text()
		}
		if (got == "") != (row.want == "") || !strings.Contains(got, `write aliases: ["`+row.want) && got != "" {
			t.Errorf("%s, aliases %q: %q, want %q", row.upstream, row.aliases, got, row.want)
		}
	}
}
