package configs

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Rate is so many events per time, with the text form 20/1m. Limit is 1 to 1000000, Per 1s to 1d.
type Rate struct {
	Limit int
	Per   time.Duration
}

var errNotRate = errors.New("is not a rate (1 to 1000000, a slash, 1s to 1d)")

// ParseRate reads the text form. The error never holds the text.
func ParseRate(text string) (Rate, error) {
	count, per, found := strings.Cut(text, "/")
	if !found && isDigits(text) {
		return Rate{}, errNoUnit
	}
	if !found || !isDigits(count) || len(count) > 7 {
		return Rate{}, errNotRate
	}
	limit, _ := strconv.Atoi(count) // at most seven digits
	length, err := ParseDuration(per)
	if err != nil || limit < 1 || limit > 1_000_000 || length.Std() < time.Second || length.Std() > Day {
		return Rate{}, errNotRate
	}
	return Rate{Limit: limit, Per: length.Std()}, nil
}

// String is the text form.
func (r Rate) String() string {
	return strconv.Itoa(r.Limit) + "/" + Duration(r.Per).String()
}

func (r *Rate) parse(text string) (err error) {
	*r, err = ParseRate(text)
	return err
}

func (r *Rate) hint(text string) string {
	if isDigits(text) && strings.Trim(text, "0") != "" {
		return text + "/1m"
	}
	return "a rate such as 20/1m"
}
