package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"text/template"
)

// BuildGateway makes the sessiongate binary as a release would be made.
func BuildGateway(ctx context.Context, file string) error { return build(ctx, file, "-trimpath") }

// BuildGatewayLikeThis makes the binary with the flags of the program that runs, a test
// most of all: what was compiled for it is not compiled once more.
func BuildGatewayLikeThis(ctx context.Context, file string) error {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return build(ctx, file, "-race")
	}
	return build(ctx, file)
}

func build(ctx context.Context, file string, flags ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", file, "sessiongate/cmd/sessiongate")
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // a path of our own
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build sessiongate: %w\n%s", err, out)
	}
	return nil
}

// GenerateKeys makes the keys of a gateway: cookie.key, seal.key and signing.pem in
// a new folder.
func GenerateKeys(binary, dir string) error {
	p, err := Start("", nil, false, binary, "keys", "generate", "--dir", dir)
	if err != nil {
		return err
	}
	if err := p.Wait(); err != nil {
		return fmt.Errorf("keys: %w\n%s", err, p.Log())
	}
	return nil
}

// WriteConfig fills in a template of a configuration file and writes it.
func WriteConfig(file, text string, data any) error {
	t, err := template.New("config").Parse(text)
	if err != nil {
		return err
	}
	var filled bytes.Buffer
	if err := t.Execute(&filled, data); err != nil {
		return err
	}
	return os.WriteFile(file, filled.Bytes(), 0o600)
}
