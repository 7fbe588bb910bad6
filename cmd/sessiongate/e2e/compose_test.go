package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"sessiongate/session/testserver"
)

// composition is what these tests read of docker-compose.yml.
type composition struct {
	Services map[string]struct {
		Command     []string `yaml:"command"`
		Ports       []string `yaml:"ports"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
	} `yaml:"services"`
}

func readComposition(t *testing.T) composition {
	t.Helper()
	text, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeFileIsValid(t *testing.T) {
	compose := testserver.Need(t, "docker-compose")
	cmd := exec.CommandContext(t.Context(), compose, "config", "-q")
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker-compose config: %v\n%s", err, out)
	}
	for _, port := range readComposition(t).Services["gateway"].Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("gateway is published beyond loopback: %s", port)
		}
	}
}

// TestComposeServices runs the services' own command lines as processes: no
// engine is needed to see that they fit together. Only names and ports that
// exist inside the compose network are replaced.
func TestComposeServices(t *testing.T) {
	testserver.Need(t, "redis")
	services := readComposition(t).Services
	dir := t.TempDir()
	gatewayAt, apiAt, adminAt := freeAddress(t), freeAddress(t), freeAddress(t)
	redis := testserver.Redis(t, testserver.WithConfig(configLines(services["redis"].Command)))
	inside := strings.NewReplacer("/keys", filepath.Join(dir, "keys"), "0.0.0.0:9000", apiAt, "http://api:9000", "http://"+apiAt,
		"http://gateway:8080", "http://"+gatewayAt, "http://localhost:8080", publicOrigin, `":8080"`, `"`+gatewayAt+`"`,
		"redis:6379", redis.Addr(), "configs/examples/compose.yaml", filepath.Join(dir, "compose.yaml"))

	config, err := os.ReadFile("../../../configs/examples/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(inside.Replace(string(config)), "server:\n", "server:\n  admin: "+adminAt+"\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(name string, more ...string) *exec.Cmd {
		args := append([]string(nil), services[name].Command...)
		for i := range args {
			args[i] = inside.Replace(args[i])
		}
		return sessiongate(t, append(args, more...)...)
	}

	for range 2 { // the second run keeps what the first made
		if out, err := command("keys").CombinedOutput(); err != nil {
			t.Fatalf("keys: %v\n%s", err, out)
		}
	}
	runBeside(t, command("api"))
	runBeside(t, command("gateway"))
	eventually(t, "the gateway is ready", func() bool { return statusOf("http://"+adminAt+"/readyz") == http.StatusOK })

	health := services["gateway"].Healthcheck.Test
	if len(health) < 3 || health[0] != "CMD" || health[1] != "/sessiongate" {
		t.Fatalf("healthcheck is %q", health)
	}
	if out, err := sessiongate(t, append(health[2:], "--admin", adminAt)...).CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v\n%s", err, out)
	}
	b := newBrowser(t, gatewayAt)
	b.ada()
	if a := b.get("/api/me"); a.status != http.StatusOK || !strings.Contains(string(a.body), "Ada") {
		t.Errorf("GET /api/me through the composed services: %v", a)
	}
	if a := b.get("/"); a.status != http.StatusOK || !strings.Contains(string(a.body), "sessiongate demo") {
		t.Errorf("GET / is not the demo app: %v", a)
	}
	redis.Stop() // with the persistence of the compose file, a restart signs nobody out
	redis.Start()
	eventually(t, "the session survives a restart of Redis", func() bool { return b.get("/api/me").status == http.StatusOK })
}

// configLines turns redis-server's arguments into lines of redis.conf.
func configLines(command []string) string {
	text := strings.Join(command[1:], " ")
	return strings.TrimSpace(strings.ReplaceAll(" "+text, " --", "\n"))
}

// runBeside starts a program and stops it with the test.
func runBeside(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	logs := &logBuffer{}
	cmd.Stdout, cmd.Stderr = logs, logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Logf("%v:\n%s", cmd.Args[1:], logs)
		}
	})
}

// statusOf returns the status of a GET; 0: no answer.
func statusOf(url string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}
