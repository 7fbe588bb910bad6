package e2e

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
)

// composeRules is what each service of docker-compose.yml keeps to. A rule returns what is wrong.
var composeRules = map[string]func(c composition, name string, s composedService) string{
	"its image is one version": func(_ composition, _ string, s composedService) string {
		if s.Image == "sessiongate" || exactTag.MatchString(s.Image) {
			return ""
		}
		return "image " + s.Image
	},
	"our image is built once, before all that run it": func(c composition, name string, s composedService) string {
		// Compose 2 builds services side by side, and two of one image get into each other's way. Compose
		// 1.29 looks for images in the order of depends_on, and pulls what nobody has built by then.
		if s.Image != "sessiongate" || name == "keys" {
			return unless((s.Build != nil) == (name == "keys"), "who builds?")
		}
		return unless(s.Build == nil && s.PullPolicy == "never" && c.waits(name, "keys"), "builds, pulls, or does not wait for keys")
	},
	"it starts again by itself, unless it is to end": func(c composition, name string, s composedService) string {
		awaited := false
		for _, other := range c.Services {
			awaited = awaited || other.DependsOn[name].Condition == "service_completed_successfully"
		}
		if want := map[bool]string{true: "no", false: "unless-stopped"}[awaited]; s.Restart != want {
			return "restart: " + s.Restart + ", want " + want
		}
		return ""
	},
	"its memory has a limit, and Go's collector knows": func(_ composition, name string, s composedService) string {
		limit := megabytes(s.MemLimit)
		want := limit
		switch {
		case isGateway(name):
			want = 256
		case name == "keycloak":
			want = 1024
		}
		if limit == 0 || limit != want {
			return "memory: " + s.MemLimit
		}
		if soft := megabytes(strings.ToLower(strings.TrimSuffix(s.Environment["GOMEMLIMIT"], "iB"))); s.Image == "sessiongate" && !s.ends() && (soft < limit/2 || soft > limit*9/10) {
			return "GOMEMLIMIT: " + s.Environment["GOMEMLIMIT"]
		}
		return ""
	},
	"its processes have a limit": func(_ composition, _ string, s composedService) string {
		if s.Deploy != nil { // Compose 2 wants pids below limits beside pids_limit, and 1.29 refuses it there
			return "has limits below deploy"
		}
		return unless(s.PidsLimit >= 32 && s.PidsLimit <= 1024, "pids_limit: "+strconv.Itoa(s.PidsLimit))
	},
	"nothing in its image can be written": func(_ composition, name string, s composedService) string {
		// `start-dev` of Keycloak builds the server anew, inside the image.
		return unless(s.ReadOnly || name == "keycloak", "read_only: false")
	},
	"it has no rights beyond a user's": func(_ composition, name string, s composedService) string {
		own := s.Image == "sessiongate" || name == "keycloak" // whose images say who they run as
		if !own && !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(s.User) {
			return "user: " + s.User
		}
		return unless(slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0 && !s.Privileged &&
			slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "capabilities or privileges are left")
	},
	"it may finish what it does": func(_ composition, _ string, s composedService) string {
		grace, err := time.ParseDuration(s.StopGracePeriod)
		return unless(s.ends() || err == nil && grace >= 20*time.Second, "stop_grace_period: "+s.StopGracePeriod)
	},
	"only this machine reaches it": func(_ composition, name string, s composedService) string {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") || strings.HasSuffix(port, ":9090") || name == "redis" {
				return "ports: " + port
			}
		}
		return ""
	},
	"what it mounts is there, and cannot be written by who only reads": func(c composition, name string, s composedService) string {
		for _, v := range s.Volumes {
			from, rest, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[from]; named {
				if owner := map[string]string{"keys": "keys", "secrets": "keys", "client-secrets": "keys", "redis": "redis"}[from]; owner != name && !strings.HasSuffix(rest, ":ro") {
					return v + " is not read-only"
				}
				continue
			}
			if info, err := os.Stat(repository + from); err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(rest, ":ro") {
				return v + ": no such file, or not read-only"
			}
		}
		return ""
	},
	"it sees no secret that it does not read": func(_ composition, name string, s composedService) string {
		may := map[string]bool{
			"secrets":        name == "keys" || name == "redis" || isGateway(name),
			"client-secrets": name == "keys" || name == "keycloak" || name == "gateway-oidc",
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if allowed, secret := may[volume]; secret && !allowed {
				return v
			}
		}
		return ""
	},
	"no secret is written into it": func(_ composition, _ string, s composedService) string {
		for key := range s.Environment {
			if secretName.MatchString(key) {
				return "environment: " + key
			}
		}
		for _, word := range append(slices.Clone(s.Command), s.Healthcheck.Test...) {
			for _, m := range secretValue.FindAllStringSubmatch(word, -1) {
				if !strings.HasPrefix(m[1], "$$") {
					return "the command line: " + m[0]
				}
			}
		}
		return ""
	},
	"it says whether it is well": func(_ composition, name string, s composedService) string {
		if isGateway(name) && !slices.Equal(s.Healthcheck.Test, []string{"CMD", "/sessiongate", "check", "--ready"}) {
			return "healthcheck: " + strings.Join(s.Healthcheck.Test, " ")
		}
		return unless(s.ends() || strings.HasPrefix(name, "api") || len(s.health()) > 0, "no healthcheck")
	},
	"it waits for services of its own profile, or of none": func(c composition, name string, s composedService) string {
		for other, how := range s.DependsOn {
			o, ok := c.Services[other]
			if !ok || len(o.Profiles) > 0 && !slices.Equal(o.Profiles, s.Profiles) {
				return "depends_on: " + other
			}
			if how.Condition == "service_healthy" && len(o.health()) == 0 {
				return "depends_on: " + other + " has no health check"
			}
		}
		return unless(!isGateway(name) || len(s.DependsOn) >= 2, "a gateway needs keys and Redis")
	},
}

var (
	exactTag    = regexp.MustCompile(`:[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$`)
	secretName  = regexp.MustCompile(`(?i)password|secret|token|_key$`)
	secretValue = regexp.MustCompile(`(?i)(?:requirepass|password|secret|auth)[= ]"?([^\s"]+)`)
)

func unless(holds bool, otherwise string) string {
	if holds {
		return ""
	}
	return otherwise
}

// waits tells whether a service starts after another one.
func (c composition) waits(name, other string) bool {
	for needed := range c.Services[name].DependsOn {
		if needed == other || c.waits(needed, other) {
			return true
		}
	}
	return false
}

func isGateway(name string) bool { return strings.HasPrefix(name, "gateway") }

// megabytes reads 256m and 1g; 0: neither.
func megabytes(size string) int {
	unit := map[string]int{"m": 1, "g": 1024}
	for suffix, factor := range unit {
		if n, err := strconv.Atoi(strings.TrimSuffix(size, suffix)); err == nil && strings.HasSuffix(size, suffix) {
			return n * factor
		}
	}
	return 0
}

func TestComposeRules(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	for rule, holds := range composeRules {
		for name, s := range c.Services {
			if wrong := holds(c, name, s); wrong != "" {
				t.Errorf("%s: %s: %s", name, rule, wrong)
			}
		}
	}
}

// gatewayConfig loads the configuration of a gateway's service, with files in place of what `keys`
// makes.
func gatewayConfig(t *testing.T, s composedService) *configs.Config {
	t.Helper()
	text, err := os.ReadFile(s.mounted(configuration))
	if err != nil {
		t.Fatalf("no configuration is mounted: %v", err)
	}
	dir := t.TempDir()
	writeKeys(t, dir)
	for _, file := range []string{"redis.password", "keycloak.client"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("a secret of the test\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inside := strings.NewReplacer("/keys/", dir+"/", "/secrets/", dir+"/", "/client-secrets/", dir+"/").Replace(string(text))
	loaded, err := configs.LoadBytes("sessiongate.yaml", []byte(inside), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return &loaded.Config
}

// TestComposeGateways holds each gateway's service to the configuration that it mounts.
func TestComposeGateways(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	hosts, prefixes := make(map[string]string), make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[name]
		if !isGateway(name) {
			continue
		}
		config := gatewayConfig(t, s)
		if !slices.Equal(s.Command, []string{"serve"}) {
			t.Errorf("%s: command %v", name, s.Command)
		}
		grace, err := time.ParseDuration(s.StopGracePeriod)
		drain := max(time.Duration(config.Server.ShutdownDelay), time.Second) + time.Duration(config.Server.DrainTimeout) + 10*time.Second
		if err != nil || grace <= drain {
			t.Errorf("%s: stop_grace_period %s, and a stop may take %s", name, s.StopGracePeriod, drain)
		}
		if config.Server.Admin != configs.Default().Server.Admin {
			t.Errorf("%s: the admin listener is at %s, not on the container's loopback", name, config.Server.Admin)
		}
		if r := config.Store.Redis; r == nil || r.PasswordFile == "" {
			t.Errorf("%s: no password for Redis", name)
		} else {
			prefixes[config.Server.PublicURL] = r.KeyPrefix
		}
		public, err := url.Parse(config.Server.PublicURL)
		if err != nil {
			t.Fatal(err)
		}
		hosts[config.Server.PublicURL] = public.Hostname()
		published := s
		if slices.Equal(s.Profiles, []string{"replicas"}) {
			published = c.Services["nginx"]
		}
		if want := "127.0.0.1:" + public.Port() + ":8080"; !slices.Equal(published.Ports, []string{want}) {
			t.Errorf("%s: public_url %s, published at %v", name, config.Server.PublicURL, published.Ports)
		}
	}
	for _, of := range []map[string]string{hosts, prefixes} {
		if values := slices.Sorted(maps.Values(of)); len(values) != 3 || len(slices.Compact(values)) != 3 {
			t.Errorf("three demos share cookies or keys: %v", of)
		}
	}
}

// TestComposeReplicas holds the names and addresses around nginx together.
func TestComposeReplicas(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	nginx := c.Services["nginx"]
	text, err := os.ReadFile(nginx.mounted("/etc/nginx/nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, directive := range []string{ // what the processes of the profile do not show by what they do
		"proxy_set_header X-Forwarded-For $remote_addr;", "proxy_buffering off;", "proxy_request_buffering off;",
		"proxy_read_timeout 1h;", "proxy_next_upstream error timeout;", "client_max_body_size 0;",
	} {
		if !strings.Contains(string(text), "\n      "+directive) && !strings.Contains(string(text), "\n    "+directive) {
			t.Errorf("nginx.conf does not say %s", directive)
		}
	}
	if strings.Contains(string(text), "non_idempotent") {
		t.Error("nginx would send a POST twice")
	}
	subnet := c.Networks["edge"].IPAM.Config[0].Subnet
	replicas := 0
	for name, s := range c.Services {
		if !isGateway(name) || !slices.Equal(s.Profiles, nginx.Profiles) {
			continue
		}
		replicas++
		networks, _ := s.Networks.(map[string]any)
		edge, _ := networks["edge"].(map[string]any)
		address, _ := edge["ipv4_address"].(string)
		if address == "" || !slices.Contains(nginx.ExtraHosts, name+":"+address) {
			t.Errorf("%s has the address %q, and nginx knows %v", name, address, nginx.ExtraHosts)
		}
		if !strings.Contains(string(text), "server "+name+":8080 ") {
			t.Errorf("nginx.conf does not name %s", name)
		}
		if got := gatewayConfig(t, s).Server.TrustedProxies; !slices.Equal(got, []string{subnet}) {
			t.Errorf("%s trusts %v; nginx is in %s", name, got, subnet)
		}
	}
	if replicas != 3 || strings.Count(string(text), "\n    server ") != replicas || len(nginx.ExtraHosts) != replicas {
		t.Errorf("%d replicas; nginx.conf has %d", replicas, strings.Count(string(text), "\n    server "))
	}
}

// TestImageHasNoConfiguration: it is mounted, so that a change of it needs no build.
func TestImageHasNoConfiguration(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, image, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok || strings.Contains(image, ".yaml") || strings.Contains(image, "configs") {
		t.Errorf("the image:\n%s", image)
	}
	for _, line := range []string{"USER 65532:65532\n", "ENTRYPOINT [\"/sessiongate\"]\n", "CMD [\"serve\"]\n"} {
		if !strings.Contains(image, line) {
			t.Errorf("the image has no %s", line)
		}
	}
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	toolchain := regexp.MustCompile(`(?m)^toolchain go(.+)$`).FindStringSubmatch(string(mod))
	if toolchain == nil || !strings.Contains(string(text), "FROM golang:"+toolchain[1]+"-") {
		t.Errorf("built with another Go than go.mod's %q", toolchain)
	}
}
