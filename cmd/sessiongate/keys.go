package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sessiongate/session/seal"
	"sessiongate/session/token"
)

func keysCommand() *cobra.Command {
	keys := group(&cobra.Command{Use: "keys", Short: "Make the keys a gateway needs"})
	keys.AddCommand(generateKeysCommand())
	return keys
}

func generateKeysCommand() *cobra.Command {
	var dir, alg string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write cookie.key, seal.key and signing.pem, readable by their owner only",
		Long: `Write cookie.key, seal.key and signing.pem into a folder, each with mode 0600.
Files that exist are kept as they are, so it can run at every start.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return generateKeys(cmd.OutOrStdout(), dir, alg)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder for the files; made if it does not exist")
	_ = cmd.MarkFlagRequired("dir") // fails only for a flag that does not exist
	cmd.Flags().StringVar(&alg, "alg", token.EdDSA, "algorithm of the signing key: EdDSA, ES256 or RS256")
	return cmd
}

func generateKeys(out io.Writer, dir, alg string) error {
	switch alg {
	case token.EdDSA, token.ES256, token.RS256:
	default: // before anything is written
		return fmt.Errorf("keys: --alg %q: want EdDSA, ES256 or RS256", alg)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	line := func() ([]byte, error) { return []byte(seal.GenerateKey() + "\n"), nil }
	signing := func() ([]byte, error) { return token.GenerateSigningKey(alg) }
	for _, f := range []struct {
		name string
		make func() ([]byte, error)
	}{{"cookie.key", line}, {"seal.key", line}, {"signing.pem", signing}} {
		path := filepath.Join(dir, f.name)
		made, err := writeNew(path, f.make)
		if err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		state := "kept"
		if made {
			state = "made"
		}
		fmt.Fprintf(out, "%s %s\n", state, path)
	}
	fmt.Fprintf(out, `
In the configuration:

keys:
  cookie:  [{id: c1, file: %[1]s/cookie.key}]
  seal:    [{id: s1, file: %[1]s/seal.key}]
  signing: [{id: k1, file: %[1]s/signing.pem}]
`, filepath.Clean(dir))
	return nil
}

// writeNew makes a file that did not exist, all at once: another process that
// looks for it sees the whole content or nothing.
func writeNew(path string, content func() ([]byte, error)) (made bool, err error) {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	data, err := content()
	if err != nil {
		return false, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return false, err
	}
	err = os.Link(temp.Name(), path) // fails if somebody else was faster
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
