package program

import (
	"net/netip"
	"strings"
	"testing"

	"sessiongate/configs"
)

// TestOtherNames: which routes lead to a token API under a name that the file does not call its own.
func TestOtherNames(t *testing.T) {
	t.Parallel()
	names := map[string][]netip.Addr{
		"api":          {netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fd00::5")},
		"api.internal": {netip.MustParseAddr("fd00::5")},
		"10.0.0.5":     {netip.MustParseAddr("10.0.0.5")},
		"web":          {netip.MustParseAddr("10.0.0.6")},
	}
	for _, row := range []struct {
		upstream string
		aliases  []string
		want     string // the alias to write; empty: nothing is found
	}{
		{"http://api:8000", nil, ""},
		{"http://API:8000/v1", nil, ""},
		{"http://10.0.0.5:8000", nil, "10.0.0.5:8000"},
		{"https://api.internal:8000/v1", nil, "api.internal:8000"},
		{"http://10.0.0.5:8000", []string{"api.internal:8000", "10.0.0.5:8000"}, ""},
		{"http://10.0.0.5:8000", []string{"10.0.0.5:9000"}, "10.0.0.5:8000"},
		{"http://10.0.0.5", nil, ""}, // another port
		{"http://web:8000", nil, ""},
		{"http://nosuch:8000", nil, ""},
	} {
		c := &configs.Config{
			Providers: []configs.Provider{{Name: "app", TokenAPI: &configs.TokenAPIProvider{BaseURL: "http://api:8000", Aliases: row.aliases}}},
			Routes:    []configs.Route{{Upstreams: []string{row.upstream}}},
		}
		got := ""
		for _, o := range otherNames(c, func(host string) []netip.Addr { return names[host] }) {
			got += o.text()
		}
		if (got == "") != (row.want == "") || !strings.Contains(got, `write aliases: ["`+row.want) && got != "" {
			t.Errorf("%s, aliases %q: %q, want %q", row.upstream, row.aliases, got, row.want)
		}
	}
}
