// Command chaos checks that no stall, failover or crash signs anybody out:
//
//	go run ./cmd/chaos --quick          # a dozen scenarios, less than three minutes
//	go run ./cmd/chaos                  # all of them, less than half an hour
//	go run ./cmd/chaos --list           # what there is
//	go run ./cmd/chaos --only 'sentinel-*,stop-gateways-45s'
//
// Each scenario has a world of its own: three gateways as processes, built from
// cmd/sessiongate, on the Redis that the scenario wants (one server, Sentinel,
// Cluster); a token API that rotates its refresh tokens and ends a family when one
// is spent twice; an upstream that checks whose access token it gets and whether it
// still lives; browsers with cookie jars, which send overlapping bursts to any
// gateway and get the responses in any order; event streams; and users who sign
// out and are tried again afterwards.
//
// A scenario lets its world run, injects its fault, ends it, and waits until every
// session's tokens must have been refreshed once more. At the end every browser
// that did not sign out must still be signed in, at every gateway.
//
// The exit status is 1 if a figure that must be 0 is not (a session that ended
// without a cause that may end one, a signed-out session that answers, …) or if a
// scenario could not be run to its end, and 2 for a wrong command line.
// A scenario that needs what is not on the machine is skipped, and the table says so.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	quick, list        bool
	only               string
	parallel, repeat   int
	browsers           int
	binary, json, keep string
	require, verbose   bool
	markdown           bool
}

const usageText = `chaos runs fault scenarios against real gateways, Redis servers and browsers, and
prints one line of figures for each.

Exit status: 0 all is well; 1 a figure that must be 0 is not, or a scenario broke;
2 wrong command line.

`

// parseFlags writes the help, if it is asked for, to out.
func parseFlags(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(io.Discard) // an error is reported by main, without the whole help
	f.BoolVar(&o.quick, "quick", false, "only the scenarios of the short set, with fewer browsers and shorter tokens")
	f.BoolVar(&o.list, "list", false, "say which scenarios there are, and end")
	f.StringVar(&o.only, "only", "", "names of scenarios to run, comma-separated; * stands for any letters")
	f.IntVar(&o.parallel, "parallel", min(2*runtime.NumCPU(), 8), "scenarios at a time")
	f.IntVar(&o.browsers, "browsers", 0, "browsers of each world; 0: 100, and 40 with --quick")
	f.StringVar(&o.binary, "sessiongate", "", "binary to test; empty: built from this tree")
	f.BoolVar(&o.markdown, "markdown", false, "write the table in Markdown, and nothing else")
	f.StringVar(&o.json, "json", "", "file for the figures as JSON")
	f.StringVar(&o.keep, "keep", "", "folder to keep the gateways' logs in; empty: they go with the world")
	f.BoolVar(&o.require, "require", false, "fail where something is missing, instead of skipping the scenario")
	f.IntVar(&o.repeat, "repeat", 1, "run each scenario so often")
	f.BoolVar(&o.verbose, "verbose", false, "say at once, and of those that passed too, what each world saw")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usageText+"Flags:\n")
		f.SetOutput(out)
		f.PrintDefaults()
		return o, err
	case err != nil:
		return o, fmt.Errorf("chaos: %w; --help names the flags", err)
	case f.NArg() > 0:
		return o, fmt.Errorf("chaos: %q is no flag; scenarios are named with --only", f.Arg(0))
	case o.parallel < 1 || o.repeat < 1 || o.browsers < 0:
		return o, errors.New("chaos: --parallel and --repeat must be at least 1, --browsers not negative")
	}
	return o, nil
}

var errFailed = errors.New("chaos: a figure that must be 0 is not, see above")

func main() {
	signal.Ignore(syscall.SIGPIPE) // "chaos | head" must not leave what was started behind
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(status(run(ctx, os.Args[1:], os.Stdout, os.Stderr))) //nolint:gocritic // the context ends with the process
}

// usageError is a wrong command line.
type usageError struct{ error }

func status(err error) int {
	var wrong usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// run is the program.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parseFlags(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err != nil {
		return usageError{err}
	}
	list, err := choose(allScenarios(), o)
	if err != nil {
		return usageError{err}
	}
	if o.list {
		writeList(out, list)
		return nil
	}
	results, err := runAll(ctx, o, list, progress)
	if o.markdown {
		writeMarkdown(out, results)
	} else {
		writeTable(out, results, o.verbose)
	}
	if o.json != "" {
		err = errors.Join(err, writeJSON(o.json, results))
	}
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.failed(o.require) {
			return errFailed
		}
	}
	return nil
}

func writeJSON(file string, results []*result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600) //nolint:gosec // the file that the user named
}

func writeList(out io.Writer, list []scenario) {
	for _, s := range list {
		mark := "     "
		if s.quick {
			mark = "quick"
		}
		fmt.Fprintf(out, "%-26s %s  %s\n", s.name, mark, s.what)
	}
}

// choose picks what the flags ask for, in the order of the list.
func choose(all []scenario, o options) (list []scenario, err error) {
	patterns := strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' || r == ' ' })
	used := make([]bool, len(patterns))
	for _, s := range all {
		wanted := len(patterns) == 0 && (s.quick || !o.quick)
		for i, p := range patterns {
			if matches(p, s.name) {
				wanted, used[i] = true, true
			}
		}
		if wanted {
			list = append(list, s)
		}
	}
	for i, p := range patterns {
		if !used[i] {
			return nil, fmt.Errorf("chaos: no scenario is called %q; --list names them", p)
		}
	}
	return list, nil
}

// matches reports whether a name fits a pattern in which * stands for any letters.
func matches(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for i := 0; ok && i <= len(name); i++ {
		if matches(rest, name[i:]) {
			return true
		}
	}
	return false
}
