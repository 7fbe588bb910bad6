package configs

import "errors"

// Places are one place or several, of which a text stands for a list of one. Empty text is no place
// at all.
type Places []string

// Condition is a status (401, 4xx) or place=value, or several with blanks between them. A number
// without quotes is a status.
type Condition string

var errNoCondition = errors.New("is empty")

func (c *Condition) parse(text string) error {
	if text == "" {
		return errNoCondition
	}
	*c = Condition(text)
	return nil
}

func (c *Condition) hint(string) string { return "a status such as 401, or place=value" }

// String is the text form.
func (c Condition) String() string { return string(c) }
