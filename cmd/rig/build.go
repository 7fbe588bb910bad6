package rig

import (
	"context"
	"fmt"
	"os/exec"
)

// BuildGateway makes the sessiongate binary as a release would be made.
func BuildGateway(ctx context.Context, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", file, "sessiongate/cmd/sessiongate") //nolint:gosec // a path of our own
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
