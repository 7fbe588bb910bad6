package configs

import (
	"slices"
	"testing"
)

// A text with colons is a text, wherever the list stands.
func TestColonsInLists(t *testing.T) {
	for list, want := range map[string][]string{
		"[urn:x]": {"urn:x"}, "[gold, urn:x]": {"gold", "urn:x"}, "[ urn:a:b:c , d ]": {"urn:a:b:c", "d"}, `["urn:x", 'a:b']`: {"urn:x", "a:b"},
		"[https://x/y, a]": {"https://x/y", "a"}, "[http://h:80/x]": {"http://h:80/x"}, "[1:2]": {"1:2"}, "[x:true]": {"x:true"}, "[é:y]": {"é:y"},
		"[a: b]": nil, "[{a:b}]": nil, `["a":b]`: nil,
	} {
		for _, route := range []string{
			`{path: /, upstreams: ["http://localhost:9000"], require: {acr: ` + list + `}}`,
			"{path: /, upstreams: [\"http://localhost:9000\"],\n    require: {acr: " + list + ", auth_age: 5m}}",
			"path: /\n    upstreams: [\"http://localhost:9000\"]\n    require: {acr: " + list + "}",
			"path: /\n    upstreams: [\"http://localhost:9000\"]\n    require:\n      acr: " + list,
		} {
			text := `server: {public_url: "http://localhost:8080"}
store: {embedded: true}
providers: [{name: local, kind: local, users: demo}]
routes:
  - ` + route + "\n"
			loaded, err := LoadBytes("gw.yaml", []byte(text), func(string) (string, bool) { return "", false })
			switch {
			case want == nil && err == nil:
				t.Errorf("%s in %s: no error", list, route)
			case want != nil && err != nil:
				t.Errorf("%s in %s: %v", list, route, err)
			case want != nil && !slices.Equal(loaded.Config.Routes[0].Require.ACR, want):
				t.Errorf("%s in %s: %q", list, route, loaded.Config.Routes[0].Require.ACR)
			}
		}
	}
}
