package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"sessiongate/web"
)

func clientCommand() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Write the client package for an app's front end",
		Long: `Write sessiongate-client, the package that a front end imports, into a folder of
the app: typed, without dependencies, and of this gateway's own version. Run it
again after an upgrade of the gateway.

  sessiongate client --dir src/vendor/sessiongate-client
  npm install ./src/vendor/sessiongate-client

README.md in that folder tells how to go on. A page without a build step needs
no package: it imports /auth/client.js from the gateway.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeClient(cmd.OutOrStdout(), dir, force, npmVersion(thisBuild().Version))
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder to write into; made if it does not exist")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite files that are not this package's")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

// clientName is how a package.json says that a folder is ours to write into.
const clientName = "sessiongate-client"

// writeClient writes the package into dir. Files that are in the way and came from elsewhere stop it
// before anything is written, unless force is true. Nothing is written outside dir, whatever links
// lead there.
func writeClient(out io.Writer, dir string, force bool, version string) error {
	files, err := clientFiles(version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: source code, as an editor would write it
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if !force && !ownClient(root) {
		for name := range files {
			if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s exists and is no file of %s; choose another --dir, or add --force to overwrite", dir+"/"+name, clientName)
			}
		}
	}
	for name, body := range files {
		if err := root.WriteFile(name, body, 0o644); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "wrote %s %s, %d files, to %s; its README.md tells how to go on\n", clientName, version, len(files), dir)
	return err
}

// clientFiles are the package's files by name, with the version in package.json.
func clientFiles(version string) (map[string][]byte, error) {
	files, source := make(map[string][]byte), web.ClientPackage()
	entries, err := fs.ReadDir(source, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = fs.ReadFile(source, e.Name()); err != nil {
			return nil, err
		}
	}
	const unset = `"version": "0.0.0"`
	// What only the package's own tests need: npm would install it into the app.
	tests := regexp.MustCompile(`,\s*"devDependencies": \{[^}]*\}`)
	files["package.json"] = bytes.Replace(tests.ReplaceAll(files["package.json"], nil), []byte(unset), []byte(`"version": "`+version+`"`), 1)
	return files, nil
}

// ownClient reports whether a folder holds the package already.
func ownClient(root *os.Root) bool {
	text, err := root.ReadFile("package.json")
	var doc struct {
		Name string `json:"name"`
	}
	return err == nil && json.Unmarshal(text, &doc) == nil && doc.Name == clientName
}

// npmVersion is a version as npm has them (semver.org). Builds that know none are a
// prerelease of the first.
func npmVersion(version string) string {
	version = strings.TrimPrefix(version, "v")
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`).MatchString(version) {
		return "0.0.0-devel"
	}
	return version
}
