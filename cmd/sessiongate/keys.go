package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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
	var secrets []string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write cookie.key, seal.key and signing.pem, readable by their owner only",
		Long: `Write cookie.key, seal.key and signing.pem into a folder, each with mode 0600.
Files that exist are kept as they are, so it can run at every start.

With --secret, also write a random text into a file of its own: a password of Redis, or
the secret of a client at a provider, which the other side reads too. Its mode is 0640,
so that a server under another user reads it by the file's group.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := makeKeys(dir, alg, secrets)
			return answer(cmd, found, found.print(err), err)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder for the files; made if it does not exist")
	_ = cmd.MarkFlagRequired("dir") // fails only for a flag that does not exist
	cmd.Flags().StringArrayVar(&secrets, "secret", nil, "file for a random text that another server shares; may be repeated")
	cmd.Flags().StringVar(&alg, "alg", token.EdDSA, "algorithm of the signing key: EdDSA, ES256 or RS256")
	completeKeys(cmd)
	return addJSON(cmd)
}

// Modes of the files: keys are the gateway's alone, what another server reads too is its group's.
const (
	keyMode    fs.FileMode = 0o600
	secretMode fs.FileMode = 0o640
)

// newFile is a file to be made, unless it is there.
type newFile struct {
	path    string
	mode    fs.FileMode
	content func() ([]byte, error)
}

// keysFound is what became of the files.
type keysFound struct {
	Dir   string    `json:"dir"`
	Files []keyFile `json:"files"`
}

// keyFile is one of them.
type keyFile struct {
	Path string `json:"path"`
	Made bool   `json:"made"` // false: it was there, and was kept
}

// generateKeys makes the keys and tells of each.
func generateKeys(out io.Writer, dir, alg string, secrets []string) error {
	found, err := makeKeys(dir, alg, secrets)
	return errors.Join(err, found.print(err)(out))
}

func makeKeys(dir, alg string, secrets []string) (found keysFound, err error) {
	found = keysFound{Dir: filepath.Clean(dir), Files: []keyFile{}}
	switch alg {
	case token.EdDSA, token.ES256, token.RS256:
	default: // before anything is written
		return found, usageError{fmt.Errorf("keys: --alg %q: want EdDSA, ES256 or RS256", alg)}
	}
	if dir == "" || slices.Contains(secrets, "") { // a variable of a script that is not set
		return found, usageError{errors.New("keys: --dir and --secret are paths, and one is empty; write it, or leave --secret out")}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return found, fmt.Errorf("keys: %w", err)
	}
	line := func() ([]byte, error) { return []byte(seal.GenerateKey() + "\n"), nil }
	signing := func() ([]byte, error) { return token.GenerateSigningKey(alg) }
	files := []newFile{
		{filepath.Join(dir, "cookie.key"), keyMode, line},
		{filepath.Join(dir, "seal.key"), keyMode, line},
		{filepath.Join(dir, "signing.pem"), keyMode, signing},
	}
	for _, path := range secrets {
		files = append(files, newFile{path, secretMode, line})
	}
	for _, f := range files {
		made, err := f.write()
		if err != nil {
			return found, fmt.Errorf("keys: %w", err)
		}
		found.Files = append(found.Files, keyFile{f.path, made})
	}
	return found, nil
}

// print tells people of the files and, unless something failed, how to go on.
func (k keysFound) print(failed error) func(out io.Writer) error {
	return func(out io.Writer) (err error) {
		for _, f := range k.Files {
			state := "kept"
			if f.Made {
				state = "made"
			}
			fmt.Fprintf(out, "%s %s\n", state, f.Path)
		}
		if failed == nil {
			// Relative paths of a configuration are meant from its folder, these from the shell's.
			dir, absolute := filepath.Abs(k.Dir)
			if absolute != nil {
				dir = k.Dir
			}
			_, err = fmt.Fprintf(out, `
In the configuration:

keys:
  cookie:  [{id: c1, file: %[1]s/cookie.key}]
  seal:    [{id: s1, file: %[1]s/seal.key}]
  signing: [{id: k1, file: %[1]s/signing.pem}]
`, dir)
		}
		return err
	}
}

// write makes a file that did not exist, all at once: another process that
// looks for it sees the whole content or nothing.
func (f newFile) write() (made bool, err error) {
	switch info, err := os.Stat(f.path); {
	case err == nil && info.IsDir():
		return false, fmt.Errorf("%s is a folder; move it away", f.path)
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if _, err := os.Lstat(f.path); err == nil {
		return false, fmt.Errorf("%s is a link to nothing; remove it, or make what it names", f.path)
	}
	data, err := f.content()
	if err != nil {
		return false, err
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), ".new-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(f.mode), temp.Sync(), temp.Close()); err != nil {
		return false, err
	}
	err = os.Link(temp.Name(), f.path) // fails if somebody else was faster
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
