package tokenapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// sent is what goes to a place of a request.
type sent struct {
	to    place
	value template
	what  string // for errors: the key, or the place as it is written
}

// put writes the value to its place outside the body. Without a value, nothing is written.
func (s sent) put(req *http.Request, v values) error {
	if s.value.absent(v) {
		return nil
	}
	text := s.value.fill(v)
	if text == "" {
		return nil
	}
	for _, name := range s.value.names {
		if name == accessToken || name == refreshToken {
			// A token with a blank in it would be another scheme's.
			if !headerSafe(scalarText(v.get(name))) {
				return fmt.Errorf("%s: %w", s.what, errUnfit)
			}
		}
	}
	if err := s.to.put(req, text); err != nil {
		return &unfitError{what: s.what, typed: s.value.uses(extraOf)}
	}
	return nil
}

// unfitError says that a value cannot stand at its place, and whether a user had typed it.
type unfitError struct {
	what  string
	typed bool
}

// Error implements error.
func (e *unfitError) Error() string { return e.what + ": " + errUnfit.Error() }

// parseLine cuts "left: right" at the first colon with a blank behind it.
func parseLine(line, form string) (left, right string, err error) {
	left, right, found := strings.Cut(line, ": ")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	if !found || left == "" || right == "" {
		return "", "", fmt.Errorf("%s: write %q", strconv.Quote(line), form)
	}
	return left, right, nil
}

// parseSend reads the lines "place: template" of a request. What can be known of a value's fitness
// at start is found here.
func parseSend(lines []string, in *scope) ([]sent, error) {
	list := make([]sent, 0, len(lines))
	for _, line := range lines {
		to, text, err := parseLine(line, "PLACE: TEMPLATE")
		if err != nil {
			return nil, err
		}
		s := sent{what: to}
		if s.to, err = parseRequestPlace(to); err != nil {
			return nil, err
		}
		if s.value, err = parseTemplate(text, in); err != nil {
			return nil, fmt.Errorf("%s: %w", to, err)
		}
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", to, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (s sent) check() error {
	switch {
	case s.to.kind == inBody:
		return nil
	case s.value.uses(username), s.value.uses(password):
		return errors.New("the user name and the password can only be fields of the body")
	case s.to.kind == inQuery:
		return nil
	}
	for _, part := range s.value.parts {
		if !headerSafe(strings.ReplaceAll(part, " ", "")) || s.to.kind == inCookie && !cookieSafe(part) {
			return errUnfit
		}
	}
	return nil
}
