package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/rig"
	"sessiongate/session/testserver"
)

// tiny is a world that says little about the gateways, and soon.
func tiny(name string, fault func(context.Context, *world) error) scenario {
	return scenario{name: name, what: "a test", fault: fault, setup: setup{
		lifetime: 3 * time.Second, browsers: 6, warm: 2 * time.Second, calm: 2 * time.Second, settle: 4 * time.Second,
	}}
}

// Everything is built and started, nobody is signed out, and a session that is taken
// away is seen to be lost, with its story.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sessiongate")
	}
	testserver.Need(t, "redis")
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	dir := t.TempDir()
	var progress bytes.Buffer
	binary := dir + "/sessiongate"
	if err := rig.BuildGatewayLikeThis(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	r := &runner{options: options{quick: true, parallel: 2, repeat: 1, binary: binary}, dir: dir, progress: &progress}
	results, err := r.all(t.Context(), []scenario{
		tiny("killed", func(_ context.Context, w *world) error {
			w.gateways[1].kill()
			return w.gateways[1].start(t.Context())
		}),
		tiny("robbed", func(_ context.Context, w *world) error {
			w.provider.spendAll()
			return nil
		}),
	})
	if err != nil || len(results) != 2 {
		t.Fatal(err, results)
	}
	killed, robbed := results[0], results[1]
	if killed.Broken != "" || killed.Lost > 0 || killed.OK == 0 || killed.Refresh == 0 || killed.SignedOut == 0 {
		t.Errorf("%s: %+v", killed.outcome(), killed)
	}
	if robbed.Broken != "" || robbed.Lost == 0 || !robbed.failed(false) {
		t.Errorf("lost sessions were not noticed: %s: %+v", robbed.outcome(), robbed)
	}
	var out bytes.Buffer
	writeTable(&out, results, true)
	for _, want := range []string{"robbed", "lost its session", "was spent by gateway", "2/2"} {
		if !strings.Contains(out.String()+progress.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// spendAll makes every refresh token look as if somebody else had used it.
func (p *provider) spendAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rt := range p.refresh {
		if rt.spent == nil {
			rt.spent = &spending{gateway: gateways, at: time.Now()}
		}
	}
}

// A panic in a world is a broken scenario, and its processes end.
func TestPanic(t *testing.T) {
	testserver.Need(t, "redis")
	w := &world{scenario: scenario{name: "x", store: func(context.Context, *world) (*store, error) { panic("no") }}, site: site{ports: &ports{}}}
	ended := false
	w.onClose(func() { ended = true })
	if _, err := w.run(t.Context()); err == nil || !strings.Contains(err.Error(), "panic: no") || !ended {
		t.Error(err, ended)
	}
}
