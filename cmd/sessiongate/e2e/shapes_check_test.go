package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session"
)

// TestLoginAPIsPassTheCheck: `check` finds nothing that is in the way at an API whose configuration
// fits, its --try makes the whole round there, and neither says a token.
func TestLoginAPIsPassTheCheck(t *testing.T) {
	t.Parallel()
	for name, row := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShapeStory(t, row)
			s.checked()
			s.saysNothing()
		})
	}
}

func (s *shapeStory) checked() {
	s.t.Helper()
	c := session.Credentials{Username: bookUser, Password: bookPassword}
	if err := json.Unmarshal([]byte(`{"`+"_"+`":""`+s.row.login+"}"), &c.Extra); err != nil {
		s.t.Fatal(err)
	}
	delete(c.Extra, "_")
	g := s.gateways[0]
	if failed := g.Probe(s.t.Context(), func(p program.Probed) { fmt.Fprintln(s.seen, p) }); failed > 0 {
		s.t.Errorf("check:\n%s", s.seen)
	}
	api, err := g.TokenAPI("")
	if err != nil {
		s.t.Fatal(err)
	}
	steps, err := api.Try(s.t.Context(), c)
	if failed := program.WriteTrial(s.seen, "api", steps); failed > 0 || err != nil {
		s.t.Errorf("check --try: %v\n%s", err, s.seen)
	}
}
