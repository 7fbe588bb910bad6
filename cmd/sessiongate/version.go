package main

import (
	"fmt"
	goversion "go/version"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
)

// The release, for builds that have no repository beside them, such as the image's:
//
//	go build -ldflags "-X main.releaseVersion=v1.2.3 -X main.releaseCommit=0a1b2c3" ./cmd/sessiongate
var releaseVersion, releaseCommit string

// knownFaults is the newest Go that mended faults of the standard library which a
// client can trigger: the HTTP/2 server's crash (1.26.9) and MaxBytesReader's (1.26.11).
const knownFaults = "go1.26.11"

// build says what this binary was made from.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func versionCommand() *cobra.Command {
	return addJSON(&cobra.Command{
		Use:   "version",
		Short: "Print the version and what it was built with",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, thisBuild(), func(out io.Writer) error {
				_, err := fmt.Fprintln(out, "sessiongate", thisBuild())
				return err
			}, nil)
		},
	})
}

// thisBuild prefers what the build named over what the Go toolchain found out.
func thisBuild() build {
	b := build{Version: releaseVersion, Commit: releaseCommit, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	modified := false
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && b.Commit == "":
			b.Commit = s.Value
		case s.Key == "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified && releaseCommit == "" && b.Commit != "" {
		b.Commit += "+changes"
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	if b.Commit == "" {
		b.Commit = "(unknown commit)"
	}
	return b
}

// String is "VERSION COMMIT GO".
func (b build) String() string { return b.Version + " " + b.Commit + " " + b.Go }

// logTo writes the log's first line: which program wrote all the others.
func (b build) logTo(log *slog.Logger) {
	log.Info("sessiongate starts", slog.String("version", b.Version), slog.String("commit", b.Commit), slog.String("go", b.Go))
	if outdated(b.Go) {
		log.Warn("this binary was built with a Go whose HTTP server has known faults: build it with a newer one",
			slog.String("go", b.Go), slog.String("want", knownFaults))
	}
}

// outdated reports whether a Go release lacks those mends. Of a development version
// nobody can tell.
func outdated(release string) bool {
	return goversion.IsValid(release) && goversion.Compare(release, knownFaults) < 0
}

func (b build) labels() program.Build { return program.Build(b) }
