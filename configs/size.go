package configs

import (
	"errors"
	"regexp"
	"strconv"
)

// Size is a number of bytes in a strict text form: a whole number and a unit, B, KiB, MiB, GiB or
// TiB (powers of 1024). A lone 0 needs no unit.
type Size int64

// The units of Size.
const (
	B   Size = 1
	KiB      = 1024 * B
	MiB      = 1024 * KiB
	GiB      = 1024 * MiB
	TiB      = 1024 * GiB
)

var (
	errNotSize = errors.New("is not a size (units B, KiB, MiB, GiB, TiB)")
	sizeShape  = regexp.MustCompile(`^([0-9]{1,9})(B|KiB|MiB|GiB|TiB)$`)
)

// sizeUnits are the units, from large to small.
func sizeUnits() []struct {
	name string
	size Size
} {
	return []struct {
		name string
		size Size
	}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", B}}
}

// ParseSize reads the text form. The error never holds the text.
func ParseSize(text string) (Size, error) {
	if text == "0" {
		return 0, nil
	}
	if isDigits(text) {
		return 0, errNoUnit
	}
	groups := sizeShape.FindStringSubmatch(text)
	if groups == nil {
		return 0, errNotSize
	}
	n, _ := strconv.ParseInt(groups[1], 10, 64) // at most nine digits
	for _, unit := range sizeUnits() {
		if unit.name != groups[2] {
			continue
		}
		if Size(n) > 1024*TiB/unit.size {
			return 0, errTooLarge
		}
		return Size(n) * unit.size, nil
	}
	return 0, errNotSize
}

// String is the text form in the largest unit that needs no fraction.
func (s Size) String() string {
	for _, unit := range sizeUnits() {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + unit.name
		}
	}
	return "0B"
}

func (s *Size) parse(text string) (err error) {
	*s, err = ParseSize(text)
	return err
}

func (s *Size) hint(text string) string {
	if n, err := strconv.ParseInt(text, 10, 50); err == nil && n > 0 {
		return Size(n).String()
	}
	return "a size such as 32KiB"
}
