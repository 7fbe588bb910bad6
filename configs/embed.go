package configs

import (
	"embed"
	"slices"
	"strings"
)

// The files that are shipped, as they stand in the repository.
var (
	// Reference is the annotated configuration: every key and its default.
	//go:embed sessiongate.yaml
	Reference string
	// Minimal is the smallest working configuration.
	//go:embed examples/minimal.yaml
	Minimal string
	// Compose is the configuration of docker-compose.yml.
	//go:embed examples/compose.yaml
	Compose string
	// DemoUsers is the users file of the demo: ada / lovelace-1843 and grace / hopper-1952.
	//go:embed demo-users.yaml
	DemoUsers string

	//go:embed providers/*.yaml
	wholeFiles embed.FS
)

// ProviderFiles returns the whole configurations for one vendor, kind or preset each that ship with
// the program: their names, sorted, and the text of each. All have one shape, block style with one
// key a line, so that single values can be put in place and the comments stay: what is to know about
// a vendor is written there and nowhere else.
func ProviderFiles() (names []string, text map[string]string) {
	return embedded(wholeFiles, "providers")
}

// embedded returns the YAML files of a folder that is part of the program, by name without .yaml.
func embedded(files embed.FS, folder string) (names []string, text map[string]string) {
	entries, err := files.ReadDir(folder)
	if err != nil {
		return nil, nil // cannot be: the folder is part of the program
	}
	text = make(map[string]string, len(entries))
	for _, e := range entries {
		data, _ := files.ReadFile(folder + "/" + e.Name())
		name := strings.TrimSuffix(e.Name(), ".yaml")
		names = append(names, name)
		text[name] = string(data)
	}
	slices.Sort(names) // the folder has a-b.yaml before a.yaml
	return names, text
}
