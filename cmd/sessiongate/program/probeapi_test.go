package program

import (
	"fmt"
	"strings"
	"testing"

	"sessiongate/session/tokenapi"
)

// TestAPIReport: the lines about a token API, and how many of them fail the check.
func TestAPIReport(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		report tokenapi.Report
		failed int
		want   string
	}{
		"fits": {
			tokenapi.Report{Servers: []string{"http://api:8000"}, Answered: []string{"login 422", "refresh 401"}, Uncalled: []string{"logout"}},
			0,
			"ok        token API http://api:8000\nok        provider api: login 422, refresh 401; not called: logout, which check --try calls\n",
		},
		"worth a look": {
			tokenapi.Report{Answered: []string{"login 403"}, Findings: []tokenapi.Finding{{About: "login", Text: "answers 403 with an HTML page"}}},
			0,
			"warning: provider api: login: answers 403 with an HTML page\nok        provider api: login 403\n",
		},
		"does not fit": {
			tokenapi.Report{
				Servers: []string{"https://api"}, Answered: []string{"refresh 401"},
				Findings: []tokenapi.Finding{
					{Fatal: true, About: "https://auth", Text: "connection refused"}, {Fatal: true, About: "login", Text: "answers 404"},
				},
			},
			2,
			"ok        token API https://api\nFAILED    token API https://auth: connection refused\nFAILED    provider api: login: answers 404\n",
		},
	} {
		var out strings.Builder
		r := probeReport{tell: func(p Probed) { fmt.Fprintln(&out, p) }}
		reportAPI(r.say, "api", row.report)
		if failed := r.failed; failed != row.failed || out.String() != row.want {
			t.Errorf("%s: %d failed, want %d:\n%swant\n%s", name, failed, row.failed, out.String(), row.want)
		}
	}
}

// TestSteps: the lines of a trial, and how many of its steps failed.
func TestSteps(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	failed := WriteTrial(&out, "api", []tokenapi.Step{
		{Name: "login", Text: "answers 200", Lines: []string{"access_token: data.access_token, text of 212 characters that looks like a JWT"}},
		{Name: "identity", Failed: true, Text: "from the access token: no subject", Lines: []string{"write identity: {from: token, subject: id}", "it has id: number"}},
	})
	const want = `ok        provider api: login: answers 200
            access_token: data.access_token, text of 212 characters that looks like a JWT
FAILED    provider api: identity: from the access token: no subject
            write identity: {from: token, subject: id}
            it has id: number
`
	if failed != 1 || out.String() != want {
		t.Errorf("%d failed:\n%swant\n%s", failed, out.String(), want)
	}
}
