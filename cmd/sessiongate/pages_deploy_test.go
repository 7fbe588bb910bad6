package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composition is what the pages name of docker-compose.yml.
type composition struct{ services, profiles []string }

func readComposition(t *testing.T) (c composition) {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Profiles []string `yaml:"profiles"`
		} `yaml:"services"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	for name, service := range file.Services {
		c.services = append(c.services, name)
		c.profiles = append(c.profiles, service.Profiles...)
	}
	return c
}

// TestPagesDeploy: a block that needs an engine, a cluster or a machine of its own is not typed by a
// test. What it names of ours is there.
func TestPagesDeploy(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	for _, p := range pages(t) {
		for i := range p.Blocks {
			b := &p.Blocks[i]
			_, compose := b.Words()["compose"]
			_, deploy := b.Words()["deploy"]
			if b.Language() != "sh" || !compose && !deploy {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
				for _, words := range simpleCommands(line) {
					if wrong := c.misses(words); wrong != "" {
						t.Errorf("%s: %s: %s", b, strings.TrimSpace(line), wrong)
					}
				}
			}
		}
	}
}

var ourFile = regexp.MustCompile(`^(?:\./)?(?:(?:configs|cmd|web|gateway|session|\.github|\.ci)/\S*|docker-compose\.yml)$`)

// misses says what a command names that is not there.
func (c *composition) misses(words []string) string {
	for _, word := range words {
		for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '=' || r == ':' || r == '@' || r == ',' }) {
			if !ourFile.MatchString(part) {
				continue
			}
			if found, err := filepath.Glob(filepath.Join("../..", part)); err != nil || len(found) == 0 {
				return "there is no " + part
			}
		}
	}
	switch {
	case words[0] == "docker-compose":
		return c.missesIn(words[1:])
	case words[0] == "docker" && len(words) > 1 && words[1] == "compose":
		return c.missesIn(words[2:])
	}
	return ""
}

// missesIn is about the arguments of Compose.
func (c *composition) missesIn(args []string) string {
	withValue := []string{"-f", "--file", "-e", "--env", "-s", "--signal", "-n", "--tail", "-t", "--timeout", "-u", "--user", "--index", "-p", "--project-name"}
	var named []string // the command, and what it is about
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		takesNext := false
		switch {
		case name == "--profile":
			if takesNext = !joined; !slices.Contains(c.profiles, value) {
				return fmt.Sprintf("there is no profile %q", value)
			}
		case name == "--scale":
			if joined { // --scale=x=2
				_, value, _ = strings.Cut(args[i], "=")
			}
			takesNext = !joined
			if service, _, _ := strings.Cut(value, "="); !slices.Contains(c.services, service) {
				return fmt.Sprintf("there is no service %q", service)
			}
		case slices.Contains(withValue, name):
			takesNext = !joined
		case !strings.HasPrefix(name, "-"):
			named = append(named, args[i])
		}
		if takesNext {
			i++
		}
	}
	return c.missesOf(named)
}

// missesOf is about a command of Compose and what follows it.
func (c *composition) missesOf(named []string) string {
	if len(named) == 0 {
		return "Compose does nothing without a command"
	}
	services := named[1:]
	switch named[0] {
	case "up", "logs", "stop", "start", "restart", "kill", "ps", "build", "pull", "rm", "create", "down":
	case "exec", "run", "port":
		services = services[:min(1, len(services))]
	default:
		return ""
	}
	for _, service := range services {
		if !slices.Contains(c.services, service) {
			return fmt.Sprintf("there is no service %q", service)
		}
	}
	return ""
}

// TestPagesDeployRefuses tries the test above.
func TestPagesDeployRefuses(t *testing.T) {
	t.Parallel()
	c := composition{services: []string{"gateway", "redis"}, profiles: []string{"oidc"}}
	for line, want := range map[string]string{
		"docker compose up":                                      "",
		"docker compose --profile oidc up -d gateway":            "",
		"docker-compose --profile=oidc logs --tail 5 -f gateway": "",
		"docker compose exec -T gateway /sessiongate version":    "",
		"docker compose up --scale gateway=3":                    "",
		"docker compose -f docker-compose.yml config -q":         "",
		"sudo cp configs/sessiongate.yaml /etc/sessiongate/":     "",
		"kubectl apply -k configs/deploy":                        "",
		"docker compose --profile nosuch up":                     `profile "nosuch"`,
		"docker compose up nosuch":                               `service "nosuch"`,
		"docker compose exec nosuch /sessiongate version":        `service "nosuch"`,
		"docker compose up --scale nosuch=3":                     `service "nosuch"`,
		"docker compose":                                         "without a command",
		"cp ./configs/nosuch.yaml x":                             "no ./configs/nosuch.yaml",
		"kubectl create secret generic x --from-file=configs/no": "no configs/no",
		"docker run -v ./configs/nosuch:/etc/x image":            "no ./configs/nosuch",
	} {
		got := c.misses(simpleCommands(line)[0])
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
