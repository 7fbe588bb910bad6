package manifests

import (
	"maps"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// TestSelectorsMatch: the Service, the budget and the policy mean the Deployment's pods.
func TestSelectorsMatch(t *testing.T) {
	m := read(t)
	pods := labels.Set(m.deployment.Spec.Template.Labels)
	selectors := map[string]*meta.LabelSelector{
		"Deployment": m.deployment.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector,
		"NetworkPolicy": &m.policy.Spec.PodSelector, "Service": {MatchLabels: m.service.Spec.Selector},
	}
	for _, c := range m.deployment.Spec.Template.Spec.TopologySpreadConstraints {
		selectors[c.TopologyKey] = c.LabelSelector
	}
	if len(selectors) < 6 {
		t.Errorf("only %d selectors", len(selectors))
	}
	for name, s := range selectors {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(pods) {
			t.Errorf("%s selects %v (%v), and the pods have %v", name, selector, err, pods)
		}
	}
}

// TestPodIsRestricted holds the pod to the profile "restricted" of the Pod Security Standards
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and to more: no token
// of the cluster, nothing to write to.
func TestPodIsRestricted(t *testing.T) {
	m := read(t)
	pod := m.deployment.Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) > 0 || pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Fatalf("%d containers, or the host's namespaces", len(pod.Containers))
	}
	c := pod.Containers[0]
	own, all := c.SecurityContext, pod.SecurityContext // a pointer that is missing in them fails as loudly
	for what, holds := range map[string]bool{
		"uid of the image":      *all.RunAsNonRoot && *all.RunAsUser == 65532 && *all.RunAsGroup == 65532,
		"secrets for its group": *all.FSGroup == *all.RunAsGroup,
		"seccomp":               all.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"no escalation":         !*own.AllowPrivilegeEscalation && own.Privileged == nil,
		"capabilities":          len(own.Capabilities.Drop) == 1 && own.Capabilities.Drop[0] == "ALL" && own.Capabilities.Add == nil,
		"read-only root":        *own.ReadOnlyRootFilesystem,
		"no token":              !*pod.AutomountServiceAccountToken && !*m.account.AutomountServiceAccountToken,
		"its account":           pod.ServiceAccountName == m.account.Name,
		"no service links":      !*pod.EnableServiceLinks,
	} {
		if !holds {
			t.Errorf("%s: not so", what)
		}
	}
	for _, v := range pod.Volumes {
		switch {
		case v.ConfigMap != nil:
		case v.Secret != nil && *v.Secret.DefaultMode == 0o440:
		default:
			t.Errorf("volume %s is neither a ConfigMap nor a Secret of mode 0440", v.Name)
		}
	}
}

// TestNamesResolve: each port and each volume that is named is there, and nothing idles.
func TestNamesResolve(t *testing.T) {
	m := read(t)
	pod := m.deployment.Spec.Template.Spec
	c := pod.Containers[0]
	ports := make(map[string]bool)
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	for name, p := range map[string]*core.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if port := p.HTTPGet.Port.StrVal; !ports[port] {
			t.Errorf("%s asks port %q, and there are %v", name, port, ports)
		}
	}
	if port := m.service.Spec.Ports[0].TargetPort.StrVal; !ports[port] {
		t.Errorf("the Service leads to port %q, and there are %v", port, ports)
	}
	volumes, mounts := make(map[string]bool), make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, v := range c.VolumeMounts {
		mounts[v.Name] = v.ReadOnly
	}
	if !maps.Equal(volumes, mounts) {
		t.Errorf("volumes %v, read-only mounts %v", volumes, mounts)
	}
	if r := m.route.Spec.Rules[0].BackendRefs[0]; string(r.Name) != m.service.Name {
		t.Errorf("the HTTPRoute leads to %s, and the Service is %s", r.Name, m.service.Name)
	}
}

// TestNobodyIsLeftAlone: an upgrade, a drained node and a lost one leave replicas that serve.
func TestNobodyIsLeftAlone(t *testing.T) {
	m := read(t)
	replicas := int(*m.deployment.Spec.Replicas)
	rolling := m.deployment.Spec.Strategy.RollingUpdate
	if rolling.MaxUnavailable.IntValue() != 0 || rolling.MaxSurge.IntValue() < 1 {
		t.Errorf("an upgrade takes %v away first, and adds %v", rolling.MaxUnavailable, rolling.MaxSurge)
	}
	if may := m.budget.Spec.MaxUnavailable.IntValue(); may < 1 || may >= replicas-1 {
		t.Errorf("of %d replicas %d may be evicted", replicas, may) // none: a node could never be drained
	}
	if m.deployment.Spec.Template.Spec.Containers[0].Lifecycle.PreStop.Sleep == nil {
		t.Error("preStop does not sleep")
	}
}
