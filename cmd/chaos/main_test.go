package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

func names(list []scenario) string {
	var out []string
	for _, s := range list {
		out = append(out, s.name)
	}
	return strings.Join(out, " ")
}

func TestScenariosAreNamedAndDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range allScenarios() {
		if s.name == "" || s.what == "" || seen[s.name] || len(s.name) > 26 {
			t.Errorf("%q: %q", s.name, s.what)
		}
		seen[s.name] = true
		if s.excused != nil && s.excuse == "" {
			t.Errorf("%s excuses losses without saying why", s.name)
		}
	}
}

func TestChoose(t *testing.T) {
	all := []scenario{{name: "a-1", quick: true}, {name: "a-2"}, {name: "b"}}
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{}, "a-1 a-2 b"},
		{options{quick: true}, "a-1"},
		{options{only: "a-*"}, "a-1 a-2"},
		{options{only: "b,*-2", quick: true}, "a-2 b"},
	} {
		list, err := choose(all, c.o)
		if got := names(list); got != c.want || err != nil {
			t.Errorf("%+v: %s, %v", c.o, got, err)
		}
	}
	if _, err := choose(all, options{only: "a-1,c"}); err == nil || !strings.Contains(err.Error(), `"c"`) {
		t.Error(err)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"--help"}, 0},
		{[]string{"--list"}, 0},
		{[]string{"--nonsense"}, 2},
		{[]string{"--only", "nothing-like-it"}, 2},
		{[]string{"baseline"}, 2},
		{[]string{"--parallel", "0"}, 2},
	} {
		if got := status(run(t.Context(), c.args, io.Discard, io.Discard)); got != c.want {
			t.Errorf("%v: %d", c.args, got)
		}
	}
	if status(errFailed) != 1 || status(nil) != 0 || status(flag.ErrHelp) != 0 || status(errors.New("x")) != 1 {
		t.Error("statuses")
	}
}

// What must be 0 fails a scenario; what a rule excuses, and what is missing, do not.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		r      result
		failed bool
		says   string
	}{
		{result{}, false, "ok"},
		{result{Lost: 2}, true, "2 lost"},
		{result{Killed: 1}, true, "1 families killed"},
		{result{Leaks: 1}, true, "1 answered after sign-out"},
		{result{Never: true}, true, "never recovered"},
		{result{Excused: 1, Excuse: "nobody could", tally: tally{Wrong: map[string]int{"session_ended": 4}}}, false, "1 lost as they must be: nobody could"},
		{result{tally: tally{Wrong: map[string]int{"session_stale": 4}}}, true, "4 wrong 401s"},
		{result{tally: tally{Healed: 9, Failed: map[string]int{"503": 1}}}, false, "ok"},
		{result{Wrongs: []string{"a", "b", "c", "d"}}, true, "a, b, c, and 1 more"},
		{result{Skipped: "no redis-server"}, false, "skipped"},
		{result{Broken: "no file"}, true, "BROKEN"},
	} {
		if got := c.r.outcome(); c.r.failed(false) != c.failed || !strings.Contains(got, c.says) {
			t.Errorf("%+v: %s", c.r, got)
		}
		var out bytes.Buffer
		writeTable(&out, []*result{&c.r}, false)
		if c.failed && !strings.Contains(out.String(), c.says) {
			t.Errorf("no %q in\n%s", c.says, out.String())
		}
	}
	var out bytes.Buffer
	writeMarkdown(&out, []*result{{Scenario: "a", Lost: 3}, {Scenario: "b", Skipped: "no cc"}})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, l := range lines {
		if strings.Count(l, "|") != strings.Count(lines[0], "|") || len(lines) != 4 {
			t.Errorf("no table:\n%s", out.String())
		}
	}
	if r := (result{Skipped: "no cc"}); !r.failed(true) {
		t.Error("what is missing was required")
	}
}
