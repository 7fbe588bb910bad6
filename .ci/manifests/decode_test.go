// Package manifests holds configs/deploy/kubernetes to the types of Kubernetes and of the Gateway
// API: what they do not know is a mistake. It is a module of its own, so that those who build
// sessiongate need none of it. That the manifests fit the configuration is tested beside that, in
// package configs.
package manifests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const base = "../../configs/deploy/kubernetes"

// manifests are the resources of the base, decoded.
type manifests struct {
	account    core.ServiceAccount
	deployment apps.Deployment
	service    core.Service
	route      gateway.HTTPRoute
	budget     policy.PodDisruptionBudget
	policy     networking.NetworkPolicy
}

// read decodes every resource that the kustomization lists.
func read(t *testing.T) *manifests {
	t.Helper()
	m := new(manifests)
	kinds := map[string]any{
		"v1 ServiceAccount":                      &m.account,
		"apps/v1 Deployment":                     &m.deployment,
		"v1 Service":                             &m.service,
		"gateway.networking.k8s.io/v1 HTTPRoute": &m.route,
		"policy/v1 PodDisruptionBudget":          &m.budget,
		"networking.k8s.io/v1 NetworkPolicy":     &m.policy,
	}
	for _, name := range readKustomization(t).Resources {
		text, err := os.ReadFile(filepath.Join(base, name))
		if err != nil {
			t.Fatal(err)
		}
		var is struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal(text, &is); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		kind := is.APIVersion + " " + is.Kind
		into, ok := kinds[kind]
		if !ok {
			t.Fatalf("%s: nobody expects another %s", name, kind)
		}
		delete(kinds, kind)
		if err := decode(text, into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for kind := range kinds {
		t.Errorf("there is no %s", kind)
	}
	return m
}

// decode takes one document, as strictly as the API server with fieldValidation=Strict: unknown
// fields, fields in another case and keys written twice are errors.
func decode(text []byte, into any) error {
	if bytes.Contains(text, []byte("\n---")) {
		return fmt.Errorf("more than one document")
	}
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	mistakes, err := json.UnmarshalStrict(asJSON, into)
	if err == nil && len(mistakes) > 0 {
		return mistakes[0]
	}
	return err
}

func TestManifestsDecode(t *testing.T) {
	m := read(t)
	for kind, name := range map[string]string{
		"ServiceAccount": m.account.Name, "Deployment": m.deployment.Name, "Service": m.service.Name,
		"HTTPRoute": m.route.Name, "PodDisruptionBudget": m.budget.Name, "NetworkPolicy": m.policy.Name,
	} {
		if bad := validation.IsDNS1123Label(name); len(bad) > 0 {
			t.Errorf("%s %q: %v", kind, name, bad)
		}
	}
}

// TestDecodeIsStrict: the rule above would hold of nothing otherwise.
func TestDecodeIsStrict(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(base, "deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown":    {"replicas:", "replica:"},
		"other case": {"minReadySeconds:", "minreadyseconds:"},
		"twice":      {"  replicas: 3\n", "  replicas: 3\n  replicas: 3\n"},
		"other type": {"replicas: 3", "replicas: three"},
		"quantity":   {"memory: 512Mi", "memory: 512MiB"},
	} {
		wrong := strings.Replace(string(text), change[0], change[1], 1)
		if wrong == string(text) {
			t.Errorf("%s: %q is not there", name, change[0])
		}
		if err := decode([]byte(wrong), new(apps.Deployment)); err == nil {
			t.Errorf("%s: %q is accepted", name, change[1])
		}
	}
}

// kustomization is what the base uses of the format.
type kustomization struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Images     []struct {
		Name    string `json:"name"`
		NewName string `json:"newName"`
		NewTag  string `json:"newTag"`
	} `json:"images"`
	ConfigMaps []struct {
		Name  string   `json:"name"`
		Files []string `json:"files"`
	} `json:"configMapGenerator"`
	Resources []string `json:"resources"`
}

func readKustomization(t *testing.T) (k kustomization) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(base, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(text, &k); err != nil {
		t.Fatalf("kustomization.yaml: %v", err)
	}
	return k
}

// TestKustomizationNamesEveryFile: one that is not listed would be applied by nobody.
func TestKustomizationNamesEveryFile(t *testing.T) {
	k := readKustomization(t)
	if k.APIVersion != "kustomize.config.k8s.io/v1beta1" || k.Kind != "Kustomization" {
		t.Errorf("it is a %s %s", k.APIVersion, k.Kind)
	}
	named := append([]string{"kustomization.yaml"}, k.Resources...)
	for _, c := range k.ConfigMaps {
		named = append(named, c.Files...)
	}
	entries, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	slices.Sort(named)
	if !slices.Equal(there, named) {
		t.Errorf("the folder has %v, and the kustomization names %v", there, named)
	}
	pod := read(t).deployment.Spec.Template.Spec
	if i := k.Images; len(i) != 1 || i[0].Name != pod.Containers[0].Image {
		t.Errorf("images %v, and the Deployment runs %s", i, pod.Containers[0].Image)
	}
	if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool {
		return v.ConfigMap != nil && v.ConfigMap.Name == k.ConfigMaps[0].Name // kustomize replaces this name
	}) {
		t.Errorf("no volume is of the ConfigMap %s", k.ConfigMaps[0].Name)
	}
}
