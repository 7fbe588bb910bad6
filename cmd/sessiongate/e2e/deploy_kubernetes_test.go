package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// podSpec is what these tests read of the Deployment.
type podSpec struct {
	Grace      int64 `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Args []string `yaml:"args"`
		Env  []struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		} `yaml:"env"`
		Startup   httpProbe `yaml:"startupProbe"`
		Readiness httpProbe `yaml:"readinessProbe"`
		Liveness  httpProbe `yaml:"livenessProbe"`
	} `yaml:"containers"`
	Volumes []struct {
		Secret struct {
			Mode uint32 `yaml:"defaultMode"`
		} `yaml:"secret"`
	} `yaml:"volumes"`
}

type httpProbe struct {
	Get struct {
		Path string `yaml:"path"`
	} `yaml:"httpGet"`
}

func readPod(t *testing.T) podSpec {
	t.Helper()
	var d struct {
		Spec struct {
			Template struct {
				Spec podSpec `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal([]byte(shippedText(t, deployFolder+"kubernetes/deployment.yaml")), &d); err != nil {
		t.Fatal(err)
	}
	return d.Spec.Template.Spec
}

// TestKubernetesContainer runs the container's own arguments as a process, on a real Redis and
// beside an OpenID Connect provider, with the configuration as it is mounted. Only the pod's root
// and the names of the cluster are replaced.
func TestKubernetesContainer(t *testing.T) {
	t.Parallel()
	pod := readPod(t)
	container := pod.Containers[0]
	redis := testserver.Redis(t, testserver.WithPassword("canary-redis-pw"))
	s := &oidcEnvironment{environment: &environment{t: t, dir: t.TempDir(), logs: &logBuffer{}}, idp: oidctest.New(t)}
	s.upstream = newUpstream(t, nil)
	s.idp.Register(publicOrigin+"/auth/callback/corp", publicOrigin+"/auth/logout/done")
	mode := os.FileMode(pod.Volumes[len(pod.Volumes)-1].Secret.Mode)
	writeSecrets(t, filepath.Join(s.dir, "run/secrets/keys"), mode, nil, "cookie.key", "seal.key")
	writeSecrets(t, filepath.Join(s.dir, "run/secrets/credentials"), mode, map[string]string{
		"redis-password": "canary-redis-pw\n", "client-secret": oidctest.ClientSecret,
	}, "redis-password", "client-secret")

	p := &process{t: t, logs: &logBuffer{}, admin: freeAddress(t), done: make(chan struct{})} // asked at the health listener
	text := strings.NewReplacer(`":8080"`, `"127.0.0.1:0"`, `":9090"`, freeAddress(t), `":9091"`, p.admin,
		"https://app.example.com", publicOrigin, "/run/secrets", filepath.Join(s.dir, "run/secrets"), "redis:6379", redis.Addr(),
		"https://id.example.com", s.idp.Issuer(), "client_id: sessiongate", "client_id: "+oidctest.ClientID,
		"http://api:9000", s.upstream.server.URL, "http://web:8080", s.upstream.server.URL).
		Replace(shippedText(t, deployFolder+"kubernetes/sessiongate.yaml"))
	args := slices.Clone(container.Args)
	file := filepath.Join(s.dir, args[len(args)-1])
	args[len(args)-1] = file
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cmd = sessiongate(t, args...)
	p.cmd.Env = []string{}
	for _, e := range container.Env {
		p.cmd.Env = append(p.cmd.Env, e.Name+"="+e.Value)
	}
	p.start()
	for _, probe := range []httpProbe{container.Startup, container.Readiness, container.Liveness} {
		eventually(t, probe.Get.Path+" is well", func() bool { return p.ask(probe.Get.Path) == http.StatusOK })
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &oidcBrowser{browser: newBrowser(t, p.addr), idp: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b.signIn()
	b.ok("/api/x")

	release := s.slowly(b.browser, b.cookie())
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not ready", func() bool { return p.ask(container.Readiness.Get.Path) == http.StatusServiceUnavailable })
	if p.ask(container.Liveness.Get.Path) != http.StatusOK {
		t.Error("a pod that drains is not alive")
	}
	eventually(t, "it drains", func() bool { return strings.Contains(p.logs.String(), `"msg":"draining"`) })
	if a := release(); a.status != http.StatusOK {
		t.Errorf("the request in flight: %s", a)
	}
	<-p.done
	if code, took := p.cmd.ProcessState.ExitCode(), time.Since(begin); code != 0 || took > time.Duration(pod.Grace)*time.Second {
		t.Errorf("it ends with %d, after %v: %s", code, took, p.logs)
	}
}

// TestKustomize lets kubectl make of the base what it would apply; it asks no cluster.
func TestKustomize(t *testing.T) {
	t.Parallel()
	kubectl := testserver.Need(t, "kubectl")
	cmd := exec.CommandContext(t.Context(), kubectl, "kustomize", deployFolder+"kubernetes")
	cmd.Env = append(os.Environ(), "KUBECONFIG=/dev/null")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made := regexp.MustCompile(`name: sessiongate-config-[0-9a-z]{10}\b`).FindAllString(string(out), -1)
	if len(made) != 2 || made[0] != made[1] {
		t.Errorf("the ConfigMap and the volume of it are %q", made)
	}
	for _, kind := range []string{"ServiceAccount", "ConfigMap", "Service", "Deployment", "PodDisruptionBudget", "HTTPRoute", "NetworkPolicy"} {
		if n := strings.Count(string(out), "\nkind: "+kind+"\n"); n != 1 {
			t.Errorf("%d times a %s", n, kind)
		}
	}
	if resources := strings.Count(string(out), "\nkind: "); strings.Count(string(out), "\n  namespace: sessiongate\n") != resources {
		t.Errorf("not all %d are in the namespace:\n%s", resources, out)
	}
}
