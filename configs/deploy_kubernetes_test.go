package configs_test

import (
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"sessiongate/configs"
)

// What these tests read of the manifests. That the manifests are what Kubernetes knows is
// tested in .ci/manifests, with its own types.
type (
	deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Grace      int         `yaml:"terminationGracePeriodSeconds"`
					Containers []container `yaml:"containers"`
					Volumes    []volume    `yaml:"volumes"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	container struct {
		Args []string `yaml:"args"`
		Env  []struct {
			Name, Value string
		} `yaml:"env"`
		Ports []struct {
			Name string `yaml:"name"`
			Port int    `yaml:"containerPort"`
		} `yaml:"ports"`
		Startup   probe `yaml:"startupProbe"`
		Readiness probe `yaml:"readinessProbe"`
		Liveness  probe `yaml:"livenessProbe"`
		Lifecycle struct {
			PreStop struct {
				Sleep struct {
					Seconds int `yaml:"seconds"`
				} `yaml:"sleep"`
			} `yaml:"preStop"`
		} `yaml:"lifecycle"`
		Resources struct {
			Limits map[string]string `yaml:"limits"`
		} `yaml:"resources"`
		Mounts []struct {
			Name string `yaml:"name"`
			Path string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		Get struct {
			Path string `yaml:"path"`
			Port string `yaml:"port"`
		} `yaml:"httpGet"`
	}
	volume struct {
		Name   string `yaml:"name"`
		Secret struct {
			Name string `yaml:"secretName"`
			Mode uint32 `yaml:"defaultMode"`
		} `yaml:"secret"`
		ConfigMap struct {
			Name string `yaml:"name"`
		} `yaml:"configMap"`
	}
	networkPolicy struct {
		Spec struct {
			Ingress []policyRule `yaml:"ingress"`
			Egress  []policyRule `yaml:"egress"`
		} `yaml:"spec"`
	}
	policyRule struct {
		From  []any `yaml:"from"`
		Ports []struct {
			Port int `yaml:"port"`
		} `yaml:"ports"`
	}
)

const kubernetesFolder = "deploy/kubernetes/"

func readManifest[T any](t *testing.T, name string) (manifest T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(shippedFile(t, kubernetesFolder+name)), &manifest); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return manifest
}

// loadInPod loads the configuration of the base with its secrets as a pod has them: links to
// files of the mode that the Deployment says.
func loadInPod(t *testing.T) *configs.Loaded {
	t.Helper()
	made := folder(t)
	write(t, filepath.Join(made, "redis-password"), "canary-redis-pw\n", 0o600)
	write(t, filepath.Join(made, "client-secret"), "canary-client-secret\n", 0o600)
	pod := readManifest[deployment](t, "deployment.yaml").Spec.Template.Spec
	root := t.TempDir()
	for _, m := range pod.Containers[0].Mounts {
		v := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v volume) bool { return v.Name == m.Name })]
		if v.Secret.Name == "" {
			continue
		}
		at := filepath.Join(root, m.Path)
		if err := os.MkdirAll(filepath.Join(at, "..data"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"cookie.key", "seal.key", "redis-password", "client-secret"} {
			if !strings.Contains(shippedFile(t, kubernetesFolder+"sessiongate.yaml"), path.Join(m.Path, name)) {
				continue
			}
			text := shippedFile(t, filepath.Join(made, name))
			write(t, filepath.Join(at, "..data", name), text, os.FileMode(v.Secret.Mode))
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(at, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := strings.ReplaceAll(shippedFile(t, kubernetesFolder+"sessiongate.yaml"), "/run/secrets/", filepath.Join(root, "run/secrets")+"/")
	return load(t, t.TempDir(), text, noEnv)
}

func TestKubernetesConfigurationLoads(t *testing.T) {
	if loaded := loadInPod(t); len(loaded.Warnings) > 0 {
		t.Errorf("warnings %v", loaded.Warnings)
	}
}

// TestKubernetesPorts: the manifests name the ports that the configuration opens, and let out
// what it calls.
func TestKubernetesPorts(t *testing.T) {
	c := loadInPod(t).Config
	pod := readManifest[deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0]
	ports := make(map[string]int)
	for _, p := range pod.Ports {
		ports[p.Name] = p.Port
	}
	for name, listener := range map[string]configs.Address{"http": c.Server.Listen, "metrics": c.Server.Admin, "health": c.Server.Health} {
		if got := portOf(t, string(listener)); got != ports[name] {
			t.Errorf("port %s of the container is %d, and the configuration listens on %d", name, ports[name], got)
		}
	}
	for want, p := range map[string][]probe{"/livez": {pod.Startup, pod.Liveness}, "/readyz": {pod.Readiness}} {
		for _, p := range p {
			if p.Get.Path != want || p.Get.Port != "health" {
				t.Errorf("a probe asks %s of port %s, not %s of port health", p.Get.Path, p.Get.Port, want)
			}
		}
	}
	policy := readManifest[networkPolicy](t, "networkpolicy.yaml").Spec
	in, out := policyPorts(policy.Ingress), policyPorts(policy.Egress)
	if want := []int{ports["http"], ports["metrics"], ports["health"]}; !slices.Equal(in, want) {
		t.Errorf("the NetworkPolicy lets in to %v, and there is %v", in, want)
	}
	if text := shippedFile(t, kubernetesFolder+"networkpolicy.yaml"); !strings.Contains(text, " 100.64.0.0/10,") {
		t.Error("the NetworkPolicy counts addresses behind the NAT of a network or a cloud as outside")
	}
	for i, rule := range policy.Ingress { // admin_exposed says that the policy guards it
		if open := len(rule.From) == 0; open != (rule.Ports[0].Port == ports["health"]) {
			t.Errorf("rule %d of the NetworkPolicy: port %d is open to everybody: %v", i, rule.Ports[0].Port, open)
		}
	}
	called := []int{53, portOf(t, c.Store.Redis.Addresses[0]), portOfURL(t, c.Providers[0].OIDC.Issuer)}
	for i := range c.Routes {
		for _, u := range c.Routes[i].Upstreams {
			called = append(called, portOfURL(t, u))
		}
	}
	slices.Sort(called)
	slices.Sort(out)
	if called, out = slices.Compact(called), slices.Compact(out); !slices.Equal(called, out) {
		t.Errorf("the NetworkPolicy lets out to %v, and the configuration calls %v", out, called)
	}
}

func policyPorts(rules []policyRule) (ports []int) {
	for _, rule := range rules {
		for _, p := range rule.Ports {
			ports = append(ports, p.Port)
		}
	}
	return ports
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	port, conversion := strconv.Atoi(text)
	if err != nil || conversion != nil {
		t.Fatalf("%s: %v %v", address, err, conversion)
	}
	return port
}

func portOfURL(t *testing.T, text string) int {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if u.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	return portOf(t, u.Host)
}

func TestKubernetesRouteIsTheOrigin(t *testing.T) {
	type route struct {
		Spec struct {
			Parents []struct {
				Section string `yaml:"sectionName"`
			} `yaml:"parentRefs"`
			Hostnames []string `yaml:"hostnames"`
			Rules     []struct {
				Backends []struct {
					Name string `yaml:"name"`
					Port int    `yaml:"port"`
				} `yaml:"backendRefs"`
				Timeouts struct {
					Request string `yaml:"request"`
				} `yaml:"timeouts"`
			} `yaml:"rules"`
		} `yaml:"spec"`
	}
	type service struct {
		Metadata struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
		Spec struct {
			Ports []struct {
				Port   int    `yaml:"port"`
				Target string `yaml:"targetPort"`
			} `yaml:"ports"`
		} `yaml:"spec"`
	}
	r, s := readManifest[route](t, "httproute.yaml").Spec, readManifest[service](t, "service.yaml")
	if origin := "https://" + strings.Join(r.Hostnames, " "); origin != loadInPod(t).Config.Server.PublicURL {
		t.Errorf("the HTTPRoute is for %s, not for public_url", origin)
	}
	if len(r.Parents) != 1 || r.Parents[0].Section != "https" {
		t.Errorf("the HTTPRoute attaches to %+v: plain HTTP too, without the listener's name", r.Parents)
	}
	if r.Rules[0].Timeouts.Request != "0s" {
		t.Errorf("requests end after %q: streams would be cut", r.Rules[0].Timeouts.Request)
	}
	if b, p := r.Rules[0].Backends[0], s.Spec.Ports[0]; b.Name != s.Metadata.Name || b.Port != p.Port || p.Target != "http" {
		t.Errorf("the HTTPRoute leads to %+v, and Service %s has %+v", b, s.Metadata.Name, p)
	}
}

// TestKubernetesGrace: the kernel kills neither what still drains nor what Go could collect.
func TestKubernetesGrace(t *testing.T) {
	pod := readManifest[deployment](t, "deployment.yaml").Spec.Template.Spec
	c := pod.Containers[0]
	longest := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second + longestStop(&loadInPod(t).Config.Server)
	if grace := time.Duration(pod.Grace) * time.Second; c.Lifecycle.PreStop.Sleep.Seconds == 0 || grace <= longest {
		t.Errorf("grace is %v, and it may take %v to end", grace, longest)
	}
	limit, err := strconv.Atoi(strings.TrimSuffix(c.Resources.Limits["memory"], "Mi"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Env {
		if e.Name != "GOMEMLIMIT" {
			continue
		}
		soft, err := strconv.Atoi(strings.TrimSuffix(e.Value, "MiB"))
		if err != nil || soft > limit*9/10 {
			t.Errorf("GOMEMLIMIT is %s, and the limit is %d MiB: %v", e.Value, limit, err)
		}
		return
	}
	t.Error("there is no GOMEMLIMIT")
}

// TestKubernetesMounts: the program is told the path where the ConfigMap's file is, and every
// secret lies where a Secret is mounted.
func TestKubernetesMounts(t *testing.T) {
	pod := readManifest[deployment](t, "deployment.yaml").Spec.Template.Spec
	c := pod.Containers[0]
	mounted := make(map[string]string) // path: ConfigMap or Secret
	for _, m := range c.Mounts {
		for _, v := range pod.Volumes {
			if v.Name == m.Name {
				mounted[m.Path] = v.ConfigMap.Name + v.Secret.Name
			}
		}
	}
	if file := c.Args[len(c.Args)-1]; mounted[path.Dir(file)] != "sessiongate-config" || path.Base(file) != "sessiongate.yaml" {
		t.Errorf("%q is not where the ConfigMap is: %v", c.Args, mounted)
	}
	readers := map[string]string{
		"cookie.key": "sessiongate-keys", "seal.key": "sessiongate-keys",
		"redis-password": "sessiongate-credentials", "client-secret": "sessiongate-credentials",
	}
	text := shippedFile(t, kubernetesFolder+"sessiongate.yaml")
	for at, name := range mounted {
		for file, secret := range readers {
			if reads := strings.Contains(text, path.Join(at, file)+"\n"); reads != (name == secret) {
				t.Errorf("%s of %s is read at %s: %v", file, secret, at, reads)
			}
		}
	}
	if n := strings.Count(text, "/run/secrets/"); n != len(readers) {
		t.Errorf("the configuration reads %d secrets, and this test knows %d", n, len(readers))
	}
}
