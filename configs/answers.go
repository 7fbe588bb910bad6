package configs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fieldName is the shape of a field that POST /auth/login passes on.
var fieldName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// meanings are what an answer to a call can mean; package tokenapi says what each does.
func meanings(call string) []string {
	list := []string{"ok", "refused", "fault"}
	switch call {
	case "refresh":
		list = append(list, "account_disabled")
	case "login":
		list = append(list, "mfa_required", "email_not_confirmed", "account_locked", "account_disabled", "password_expired",
			"captcha_required", "too_many_attempts")
	}
	return list
}

// checkAnswers looks at the lines "meaning: conditions" of a call; the provider itself reads the
// conditions.
func checkAnswers(c *checker, path, call string, lines []string) {
	for i, line := range lines {
		at := index(path+".answers", i)
		if c.anyBroken(at) {
			continue
		}
		meaning, conditions, found := strings.Cut(line, ":")
		meaning, known := strings.TrimSpace(meaning), meanings(call)
		switch {
		case !found:
			c.problem(at, c.quote(at, line)+" has no colon after its meaning", `write "refused: code=401"`)
		case !slices.Contains(known, meaning) && slices.Contains(meanings("login"), meaning):
			c.problem(at, meaning+" can be the answer to a login alone", "write "+strings.Join(known, " or "))
		case !slices.Contains(known, meaning):
			c.problem(at, c.quote(at, meaning)+" is no meaning", suggest(meaning, known))
		case strings.TrimSpace(conditions) == "":
			c.problem(at, "has no condition after the colon", `write "`+meaning+`: code=401"`)
		}
	}
}

// checkExtra looks at the names of the fields that a login passes on.
func checkExtra(c *checker, path string, names []string) {
	const most = 16
	if len(names) > most {
		c.problem(path, "has "+strconv.Itoa(len(names))+" names", "write 16 at most")
	}
	own := []string{"username", "password", "provider", "device_name", "return_to", "demo_user"}
	for i, name := range names {
		at := index(path, i)
		switch {
		case c.anyBroken(at):
		case !fieldName.MatchString(name):
			c.problem(at, c.quote(at, name)+" is not a name of letters, digits, _ and -", "write otp")
		case slices.Contains(own, name):
			c.problem(at, name+" is a field of the gateway's own", "let the app send the value under another name")
		case slices.Contains(names[:i], name):
			c.problem(at, name+" is named twice", "write it once")
		}
	}
}
