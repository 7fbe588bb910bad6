package program

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"testing"

	"sessiongate/configs"
)

// TestServers: which addresses of routes are the token API's server.
func TestServers(t *testing.T) {
	t.Parallel()
	own := ""
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() && p.Addr().Is4() {
			own = p.Addr().String()
		}
	}
	look := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		switch host {
		case "api", "proxy":
			return []netip.Addr{netip.MustParseAddr("198.51.100.5")}, nil
		case "me.internal":
			return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}, nil
		}
		return nil, errors.New("no such host")
	}
	for _, row := range []struct {
		base, upstream, alias string
		same                  bool
	}{
		{"http://api:8000/v1", "http://API.:8000", "", true},
		{"http://api:8000", "http://api:8001", "", false},
		{"https://api", "https://api:443", "", true},
		{"http://api", "https://api", "", false},
		{"http://api:8000", "http://proxy:8000", "", false}, // one address may be of many
		{"http://api:8000", "http://proxy:8000", "proxy:8000", true},
		{"http://api:8000", "http://10.1.2.3:8000", "10.1.2.3:8000", true},
		{"http://api", "http://other", "other", true},
		{"http://localhost:8000", "http://127.0.0.2:8000", "", true},
		{"http://localhost:8000", "http://[::1]:8000", "", true},
		{"http://me.internal:8000", "http://0.0.0.0:8000", "", true},
		{"http://unknown:8000", "http://unknown:8000", "", true},
		{"http://[::ffff:198.51.100.5]:80", "http://198.51.100.5", "", true},
		{"http://localhost:8000", "http://" + own + ":8000", "", own != ""},
	} {
		if row.upstream == "http://:8000" {
			continue // this machine has no other address
		}
		api := &configs.TokenAPIProvider{BaseURL: row.base}
		if row.alias != "" {
			api.Aliases = []string{row.alias}
		}
		s := newServers([]configs.Provider{{Name: "api", TokenAPI: api}}, []configs.Route{{Upstreams: []string{row.upstream}}}, look)
		a, err := url.Parse(row.base)
		if err != nil {
			t.Fatal(err)
		}
		b, err := url.Parse(row.upstream)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.of(a) == s.of(b); got != row.same {
			t.Errorf("%+v: %v (%s, %s)", row, got, s.of(a), s.of(b))
		}
	}
	asked := false
	newServers([]configs.Provider{{Name: "local"}}, []configs.Route{{Upstreams: []string{"http://app"}}}, func(context.Context, string, string) ([]netip.Addr, error) {
		asked = true
		return nil, nil
	})
	if asked {
		t.Error("without a token API there is nothing to look up")
	}
}
