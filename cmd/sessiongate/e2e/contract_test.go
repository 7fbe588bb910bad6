package e2e

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// moduleRoot is where go.mod lies.
const moduleRoot = "../../.."

// contractFile lists what other programs rely on, and replicas of other releases: names
// that stay as they are while the code behind them changes. It lies beside the command.
const contractFile = "../testdata/contract.txt"

// acceptContract is the variable that has the tests of the contract write the file anew.
const acceptContract = "SESSIONGATE_TEST_ACCEPT_CONTRACT"

// TestContractInSource: the events, the reasons, the problem codes, our own header fields and the
// configuration keys are those of the file.
func TestContractInSource(t *testing.T) {
	constants := stringConstants(t, "session", "gateway")
	holdsContract(t, map[string][]string{
		"events":             constants.ofType("EventType"),
		"reasons":            constants.ofType("Reason"),
		"problem codes":      problemCodes(t, constants),
		"configuration keys": configurationKeys(),
		"header fields":      constants.beginning("X-Sessiongate-"),
		"audit fields":       auditFields(constants.ofType("EventType")),
	})
}

// TestContractInStory: what a story leaves in Redis, in a browser's jar and in the metrics
// has the names of the file.
func TestContractInStory(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	commands := monitor(t, redis)
	s := newContractStory(t, redis)
	s.tell()
	holdsContract(t, map[string][]string{
		"Redis keys, fields and messages": redisNames(commands()),
		"cookies":                         cookieShapes(s.lines()),
		"metrics":                         s.metricNames(),
	})
}

// holdsContract compares sections with those of the file. A name that is gone, or that
// changed, signs users out during an upgrade or breaks a dashboard: such a change is
// wanted only together with a way over it.
func holdsContract(t *testing.T, now map[string][]string) {
	t.Helper()
	before := readContract(t)
	for section, names := range now {
		now[section] = withRare(names, before[section])
	}
	if os.Getenv(acceptContract) != "" {
		maps.Copy(before, now)
		writeContract(t, before)
		return
	}
	for section, names := range now {
		for _, name := range difference(before[section], names) {
			t.Errorf("%s: %q is gone", section, name)
		}
		for _, name := range difference(names, before[section]) {
			t.Errorf("%s: %q is new", section, name)
		}
	}
	if t.Failed() {
		t.Logf("cmd/sessiongate/%s is the contract. An addition is accepted with\n"+
			"\t%s=1 go test -count=1 -run TestContract ./cmd/sessiongate/...", contractFile, acceptContract)
	}
}

// rare marks what a story may leave or not, as its timing has it. Somebody writes it into
// the file by hand.
const rare = " (sometimes)"

// withRare takes the names that are marked in the file as there, once each.
func withRare(names, before []string) []string {
	for _, name := range before {
		if plain, marked := strings.CutSuffix(name, rare); marked {
			names = append(slices.DeleteFunc(names, func(s string) bool { return s == plain }), name)
		}
	}
	return sortedSet(names)
}

// difference is what a has and b lacks.
func difference(a, b []string) (list []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			list = append(list, s)
		}
	}
	return list
}

// readContract reads the sections: a heading in brackets, then a name on each line.
func readContract(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(contractFile)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	sections := make(map[string][]string)
	heading := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			heading = strings.Trim(line, "[]")
		default:
			sections[heading] = append(sections[heading], line)
		}
	}
	return sections
}

func writeContract(t *testing.T, sections map[string][]string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# What operators, browsers and replicas of other releases rely on; see contract_test.go.\n")
	for _, heading := range slices.Sorted(maps.Keys(sections)) {
		text.WriteString("\n[" + heading + "]\n" + strings.Join(sections[heading], "\n") + "\n")
	}
	if err := os.WriteFile(contractFile, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sortedSet sorts a list and leaves each entry once.
func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
