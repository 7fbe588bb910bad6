package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"sessiongate/session/testserver"
)

const (
	repository  = "../../../"
	composeFile = repository + "docker-compose.yml"
)

// composition is what these tests read of docker-compose.yml.
type composition struct {
	Services map[string]composedService `yaml:"services"`
	Networks map[string]struct {
		IPAM struct {
			Config []struct {
				Subnet string `yaml:"subnet"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
}

type composedService struct {
	Profiles    []string          `yaml:"profiles"`
	Image       string            `yaml:"image"`
	Build       any               `yaml:"build"`
	PullPolicy  string            `yaml:"pull_policy"`
	User        string            `yaml:"user"`
	GroupAdd    []string          `yaml:"group_add"`
	Restart     string            `yaml:"restart"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	ExtraHosts  []string          `yaml:"extra_hosts"`
	Networks    any               `yaml:"networks"` // a list, or a map with addresses
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	Deploy          any      `yaml:"deploy"`
	MemLimit        string   `yaml:"mem_limit"`
	PidsLimit       int      `yaml:"pids_limit"`
	ReadOnly        bool     `yaml:"read_only"`
	Privileged      bool     `yaml:"privileged"`
	CapAdd          []string `yaml:"cap_add"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
}

// ends tells a service that runs once from those that serve.
func (s composedService) ends() bool { return s.Restart == "no" }

// line is the command line; Compose reads $$ as a dollar.
func (s composedService) line() []string {
	return dollars(append(slices.Clone(s.Entrypoint), s.Command...))
}

// health is the command line of the health check, without the word that says how it is run.
func (s composedService) health() []string {
	if len(s.Healthcheck.Test) < 2 {
		return nil
	}
	if s.Healthcheck.Test[0] == "CMD-SHELL" {
		return dollars([]string{"sh", "-c", s.Healthcheck.Test[1]})
	}
	return dollars(s.Healthcheck.Test[1:])
}

func dollars(words []string) []string {
	words = slices.Clone(words)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "$$", "$")
	}
	return words
}

// mounted is the file of the repository that stands at a path of the container; empty: none.
func (s composedService) mounted(at string) string {
	for _, v := range s.Volumes {
		if from, ok := strings.CutSuffix(v, ":"+at+":ro"); ok && strings.HasPrefix(from, "./") {
			return repository + from[2:]
		}
	}
	return ""
}

// configuration is the path where a gateway looks for its configuration.
const configuration = "/etc/sessiongate/sessiongate.yaml"

func readComposition(t *testing.T) composition {
	t.Helper()
	text, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 8 {
		t.Fatalf("only %d services read", len(c.Services))
	}
	return c
}

// TestComposeFileIsValid: Debian's Compose, the oldest that there still is, reads the file with each
// profile and with all.
func TestComposeFileIsValid(t *testing.T) {
	t.Parallel()
	compose := testserver.Need(t, "docker-compose")
	for _, profiles := range []string{"", "oidc", "replicas", "oidc,replicas"} {
		cmd := exec.CommandContext(t.Context(), compose, "config", "-q")
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "COMPOSE_PROFILES="+profiles)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("docker-compose config, profiles %q: %v\n%s", profiles, err, out)
		}
	}
}
