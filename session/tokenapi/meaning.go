package tokenapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sessiongate/session"
)

// Meaning is what an answer means, in the words of [Endpoint.Answers].
type Meaning string

// The meanings. The first three are about any call; the others about a login, and
// MeansAccountDisabled about a refresh as well.
const (
	MeansOK      Meaning = "ok"      // success, whatever the status; with one such line, no other 2xx is
	MeansRefused Meaning = "refused" // no for good: this password, this token
	MeansFault   Meaning = "fault"   // nothing that is about the user

	MeansMFARequired       Meaning = "mfa_required" // right, and another step is needed
	MeansEmailNotConfirmed Meaning = Meaning(session.EmailNotConfirmed)
	MeansAccountLocked     Meaning = Meaning(session.AccountLocked)
	MeansAccountDisabled   Meaning = Meaning(session.AccountDisabled)
	MeansPasswordExpired   Meaning = Meaning(session.PasswordExpired)
	MeansCaptchaRequired   Meaning = Meaning(session.CaptchaRequired)
	MeansTooManyAttempts   Meaning = "too_many_attempts" // as a 429
)

// Meanings lists what an answer of an endpoint can mean: "login", "refresh" or "logout".
func Meanings(of string) []Meaning {
	list := []Meaning{MeansOK, MeansRefused, MeansFault}
	switch of {
	case "refresh":
		list = append(list, MeansAccountDisabled)
	case "login":
		list = append(list, MeansMFARequired, MeansEmailNotConfirmed, MeansAccountLocked, MeansAccountDisabled,
			MeansPasswordExpired, MeansCaptchaRequired, MeansTooManyAttempts)
	}
	return list
}

// answer is one line: what answers mean of which the condition holds.
type answer struct {
	meaning Meaning
	condition
}

// answers are the lines of one endpoint; the first that holds counts.
type answers []answer

// parseAnswers reads the lines of an endpoint.
func parseAnswers(what string, lines []string) (answers, error) {
	if len(lines) > maxAnswers {
		return nil, fmt.Errorf("answers: more than %d lines", maxAnswers)
	}
	list := make(answers, 0, len(lines))
	for _, line := range lines {
		a, err := parseAnswer(what, line)
		if err != nil {
			return nil, fmt.Errorf("answers: %q: %w", line, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// maxAnswers bounds the lines of one endpoint.
const maxAnswers = 64

func parseAnswer(what, line string) (a answer, err error) {
	meaning, conditions, found := strings.Cut(line, ":")
	a.meaning = Meaning(strings.TrimSpace(meaning))
	known := Meanings(what)
	switch {
	case !found:
		return a, errors.New("a line is a meaning, a colon, and conditions: refused: code=401")
	case !slices.Contains(known, a.meaning) && slices.Contains(Meanings("login"), a.meaning):
		return a, fmt.Errorf("%s can be the answer to a login alone; write refused or fault for a %s", a.meaning, what)
	case !slices.Contains(known, a.meaning):
		return a, fmt.Errorf("there is no meaning %q; there are %s", a.meaning, listOf(known))
	}
	a.condition, err = parseCondition(conditions)
	return a, err
}

func listOf(known []Meaning) string {
	words := make([]string, len(known))
	for i, m := range known {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}

// meaning is what the lines say of an answer; empty: nothing.
func (list answers) meaning(r *reply) Meaning {
	for _, a := range list {
		if a.holds(r) {
			return a.meaning
		}
	}
	return ""
}

// sayOK reports whether the lines say which answers are a success. Then no other is one.
func (list answers) sayOK() bool {
	return slices.ContainsFunc(list, func(a answer) bool { return a.meaning == MeansOK })
}
