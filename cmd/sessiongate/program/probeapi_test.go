package program

import (
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
			tokenapi.Report{Servers: []string{"http://api:8000"}, Answered: []string{"login 422", "refresh 401"}}, 0,
			"ok        token API http://api:8000\nok        provider api: login 422, refresh 401\n",
		},
		"worth a look": {
			tokenapi.Report{Answered: []string{"login 403"}, Findings: []tokenapi.Finding{{About: "login", Text: "answers 403 with an HTML page"}}}, 0,
			"warning: provider api: login: answers 403 with an HTML page\nok        provider api: login 403\n",
		},
		"does not fit": {
			tokenapi.Report{
				Servers: []string{"https://api"}, Answered: []string{"refresh 401"},
				Findings: []tokenapi.Finding{
					{Fatal: true, About: "https://auth", Text: "connection refused"}, {Fatal: true, About: "login", Text: "answers 404"},
				},
			}, 2,
			"ok        token API https://api\nFAILED    token API https://auth: connection refused\nFAILED    provider api: login: answers 404\n",
		},
	} {
		var out strings.Builder
		if failed := writeAPIReport(&out, "api", row.report); failed != row.failed || out.String() != row.want {
			t.Errorf("%s: %d failed, want %d:\n%swant\n%s", name, failed, row.failed, out.String(), row.want)
		}
	}
}
