package configs

import (
	"regexp"
	"slices"
)

// Template is text with places for values: {{value}}, and ${NAME} for a variable of the
// environment. It is kept as it is written: whoever fills it encodes each value for where it stands.
type Template string

// tokenInTemplate finds a token among the values of a template.
var tokenInTemplate = regexp.MustCompile(`\{\{\s*(refresh|access)_token\s*\}\}`)

// sendsToken reports whether one of the lines sends a token.
func sendsToken(lines []Template) bool {
	return slices.ContainsFunc(lines, func(line Template) bool { return tokenInTemplate.MatchString(string(line)) })
}

// deriveEnvironment gives a token API the variables that its templates may name.
func deriveEnvironment(c *checker, t *TokenAPIProvider) {
	t.Environment = make(map[string]Secret, len(c.environment))
	for name, value := range c.environment {
		t.Environment[name] = NewSecret(value)
	}
}
